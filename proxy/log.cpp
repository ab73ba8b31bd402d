#include "proxy/log.hpp"

#include "proxy/log_escape.hpp"

#include <charconv>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <utility>

namespace ftpsgate::proxy {

namespace {

char const* word_of(level of_line) {
    switch (of_line) {
        case level::error: return "error";
        case level::warning: return "warning";
        case level::info: return "info";
        case level::debug: return "debug";
    }
    return "error";
}

// RFC 3339, UTC, milliseconds. Until the thread's next line. The calendar is asked once a second: it costs as much as
// the rest of a line, and a lock that all threads share.
std::string_view current_time() {
    thread_local std::time_t second = -1;
    thread_local std::string text;
    ::timespec now{};
    ::clock_gettime(CLOCK_REALTIME, &now);
    if (now.tv_sec != second) {
        std::tm parts{};
        ::gmtime_r(&now.tv_sec, &parts);
        char date[40];
        text.assign(date, std::strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S.000Z", &parts));
        second = now.tv_sec;
    }
    auto millisecond = now.tv_nsec / 1'000'000;
    for (std::size_t at = text.size() - 2; text[at] != '.'; --at, millisecond /= 10)
        text[at] = static_cast<char>('0' + millisecond % 10);
    return text;
}

template <typename Number>
std::string_view in_digits(char (&buffer)[24], Number value) {
    auto const end = std::to_chars(buffer, buffer + sizeof buffer, value).ptr;
    return {buffer, static_cast<std::size_t>(end - buffer)};
}

}  // namespace

event_log::event_log(level least, config::log_format format)
    : file_(log_file::nameless::to_standard_error), least_(least), format_(format) {
}

void event_log::write(level of_line, std::string_view line) noexcept {
    file_.write(line);
    if (of_line == level::error && starting_.load(std::memory_order_relaxed) && file_.is_named())
        std::fwrite(line.data(), 1, line.size(), stderr);
}

boost::system::error_code event_log::configure(config::log_settings const& settings) {
    if (auto const error = file_.point_at(settings.file)) return error;
    least_ = settings.level;
    format_ = settings.format;
    return {};
}

void log_line::begin(level of_line, std::string_view event) {
    level_ = of_line;
    format_ = log_->format();
    text_.reserve(256);
    if (format_ == config::log_format::json) text_ += '{';
    add_bare_text("event", event);
}

void log_line::write() noexcept try {
    if (!log_) return;
    add_bare_text("level", word_of(level_));
    add_bare_text("time", current_time());
    text_ += format_ == config::log_format::json ? "}\n" : "\n";
    std::exchange(log_, nullptr)->write(level_, text_);
} catch (...) {
    log_ = nullptr;  // no memory for one line of a log is no reason to end anything
}

void log_line::add_key(std::string_view key) {
    if (format_ == config::log_format::json) {
        text_ += text_.size() > 1 ? ",\"" : "\"";
        text_.append(key).append("\":");
    } else {
        if (!text_.empty()) text_ += ' ';
        text_.append(key).push_back('=');
    }
}

// The program's own words, and numbers: nothing to escape.
void log_line::add_bare_text(std::string_view key, std::string_view value) {
    add_key(key);
    bool const quoted = format_ == config::log_format::json;
    if (quoted) text_ += '"';
    text_ += value;
    if (quoted) text_ += '"';
}

void log_line::add_text(std::string_view key, std::string_view value) {
    add_key(key);
    append_value(text_, value, format_);
}

void log_line::add_bare(std::string_view key, std::string_view value) {
    add_key(key);
    text_ += value;
}

void log_line::add_signed(std::string_view key, std::int64_t value) {
    char digits[24];
    add_bare(key, in_digits(digits, value));
}

void log_line::add_unsigned(std::string_view key, std::uint64_t value) {
    char digits[24];
    add_bare(key, in_digits(digits, value));
}

void log_line::add_seconds(std::string_view key, std::chrono::milliseconds value) {
    char digits[24];
    auto const count = value.count();
    auto const magnitude = count < 0 ? 0 - static_cast<std::uint64_t>(count) : static_cast<std::uint64_t>(count);
    add_bare(key, count < 0 ? "-" : "");
    text_ += in_digits(digits, magnitude / 1000);
    text_ += '.';
    text_ += in_digits(digits, 1000 + magnitude % 1000).substr(1);  // with leading zeros
}

}  // namespace ftpsgate::proxy
