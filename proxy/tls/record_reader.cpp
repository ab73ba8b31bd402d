#include "proxy/tls/record_reader.hpp"

#include <algorithm>
#include <cstring>

namespace ftpsgate::tls {

namespace {

constexpr int most_empty_records = 32;
constexpr int most_key_updates = 32;
constexpr int most_warnings = 4;

// RFC 8446 5.2: behind the content stands its type, which is not zero, then zeros. nullopt: there is no type.
std::optional<std::size_t> content_size(std::span<std::uint8_t const> inner) {
    for (std::size_t size = inner.size(); size > 0; --size)
        if (inner[size - 1] != 0) return size - 1;
    return std::nullopt;
}

}  // namespace

std::size_t record_reader::read(byte_queue& input, std::span<std::uint8_t> into) {
    std::size_t count = 0;
    while (count < into.size() && !ended_ && !fault_) {
        auto const rest = into.subspan(count);
        std::size_t const before = input.size();
        count += opened_ > 0 ? take_opened(input, rest) : open_next(input, rest);
        if (input.size() == before) break;
    }
    return count;
}

std::size_t record_reader::take_opened(byte_queue& input, std::span<std::uint8_t> into) {
    auto const count = std::min(opened_, into.size());
    std::memcpy(into.data(), input.data().data(), count);
    opened_ -= count;
    input.consume(opened_ > 0 ? count : count + std::exchange(trailer_, 0));
    return count;
}

// Text goes straight into `into` if all of its record has room there; else it is opened where it is, for take_opened().
std::size_t record_reader::open_next(byte_queue& input, std::span<std::uint8_t> into) {
    auto const waiting = input.data();
    auto const size = next_size(waiting);
    if (!size) return 0;
    std::span const header = waiting.first<record_protection::header_size>();
    auto const sealed = waiting.subspan(header.size(), *size);
    auto const inner_size = *size - record_protection::tag_size;
    bool const fits = inner_size <= into.size();
    auto const inner = (fits ? into : sealed).first(inner_size);
    if (!keys_->open(header, sealed, inner.data())) {
        fail(SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC, SSL_AD_BAD_RECORD_MAC);
        return 0;
    }
    auto const length = content_size(inner);
    auto const type = length ? inner[*length] : std::uint8_t{0};
    auto const content = inner.first(length.value_or(0));
    if (inner.size() > record_protection::most_text + 1) {  // padding included (5.4)
        fail(SSL_R_DATA_LENGTH_TOO_LONG, SSL_AD_RECORD_OVERFLOW);
    } else if (type == SSL3_RT_APPLICATION_DATA) {
        return take_text(input, content.size(), header.size() + *size, fits);
    } else if (type == SSL3_RT_ALERT) {
        take_alert(content);
    } else if (type == SSL3_RT_HANDSHAKE) {
        take_handshake(content);
    } else {
        fail(SSL_R_UNEXPECTED_RECORD, SSL_AD_UNEXPECTED_MESSAGE);
    }
    if (!fault_) input.consume(header.size() + *size);
    return 0;
}

// What follows the header, if all of it is here.
std::optional<std::size_t> record_reader::next_size(std::span<std::uint8_t const> waiting) {
    if (waiting.size() < record_protection::header_size) return std::nullopt;
    auto const size = std::size_t{waiting[3]} << 8U | waiting[4];
    if (waiting[0] != SSL3_RT_APPLICATION_DATA) {
        fail(SSL_R_INVALID_OUTER_RECORD_TYPE, SSL_AD_UNEXPECTED_MESSAGE);
    } else if (waiting[1] != 3 || waiting[2] != 3) {
        fail(SSL_R_WRONG_VERSION_NUMBER, SSL_AD_PROTOCOL_VERSION);
    } else if (size > record_protection::most_sealed) {
        fail(SSL_R_ENCRYPTED_LENGTH_TOO_LONG, SSL_AD_RECORD_OVERFLOW);
    } else if (size < record_protection::tag_size) {
        fail(SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC, SSL_AD_BAD_RECORD_MAC);
    }
    bool const whole = waiting.size() - record_protection::header_size >= size;
    return whole && !fault_ ? std::optional(size) : std::nullopt;
}

std::size_t record_reader::take_text(byte_queue& input, std::size_t count, std::size_t record_size, bool moved) {
    if (message_size_ > 0) {  // 5.1: nothing between the pieces of a message
        fail(SSL_R_UNEXPECTED_RECORD, SSL_AD_UNEXPECTED_MESSAGE);
        return 0;
    }
    if (count == 0) {
        limit(empty_records_, most_empty_records, SSL_R_TOO_MANY_EMPTY_FRAGMENTS);
    } else {
        empty_records_ = key_updates_ = warnings_ = 0;
    }
    if (moved || count == 0) {
        input.consume(record_size);
        return count;
    }
    input.consume(record_protection::header_size);
    opened_ = count;
    trailer_ = record_size - record_protection::header_size - count;
    return 0;
}

// 6: alerts are never split; all but two are fatal.
void record_reader::take_alert(std::span<std::uint8_t const> content) {
    if (content.size() != 2 || message_size_ > 0) return fail(SSL_R_BAD_ALERT, SSL_AD_DECODE_ERROR);
    switch (content[1]) {
        case SSL_AD_CLOSE_NOTIFY: ended_ = true; return;
        case SSL_AD_USER_CANCELLED: return limit(warnings_, most_warnings, SSL_R_TOO_MANY_WARNING_ALERTS);
        default: return fail(SSL_AD_REASON_OFFSET + content[1], 0);
    }
}

// After the handshake a client may send one message only, KeyUpdate, and the key changes behind its record
// (4.6.3, 5.1).
void record_reader::take_handshake(std::span<std::uint8_t const> content) {
    static constexpr std::array<std::uint8_t, 4> head{SSL3_MT_KEY_UPDATE, 0, 0, 1};
    if (content.empty() || content.size() > message_.size() - message_size_)
        return fail(SSL_R_UNEXPECTED_MESSAGE, SSL_AD_UNEXPECTED_MESSAGE);
    std::ranges::copy(content, message_.begin() + static_cast<std::ptrdiff_t>(message_size_));
    message_size_ += content.size();
    auto const known = std::min(message_size_, head.size());
    if (!std::equal(head.begin(), head.begin() + static_cast<std::ptrdiff_t>(known), message_.begin()))
        return fail(SSL_R_UNEXPECTED_MESSAGE, SSL_AD_UNEXPECTED_MESSAGE);
    if (message_size_ < message_.size()) return;
    message_size_ = 0;
    if (message_.back() > 1) return fail(SSL_R_DECODE_ERROR, SSL_AD_ILLEGAL_PARAMETER);
    limit(key_updates_, most_key_updates, SSL_R_TOO_MANY_KEY_UPDATES);
    if (fault_) return;
    update_requested_ = update_requested_ || message_.back() == 1;
    if (!keys_->next_key()) fail(ERR_R_INTERNAL_ERROR, SSL_AD_INTERNAL_ERROR);
}

void record_reader::limit(int& counter, int most, int reason) {
    if (++counter > most) fail(reason, SSL_AD_UNEXPECTED_MESSAGE);
}

void record_reader::fail(int reason, int alert) {
    fault_ = fault{reason, static_cast<std::uint8_t>(alert)};
}

}  // namespace ftpsgate::tls
