#include "policy/revocation_cache.hpp"

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace ftpsgate::policy {

namespace {

constexpr std::size_t most_lists = 500;
constexpr std::size_t most_list_bytes = 128U << 20U;  // parsed they take several times as much
constexpr std::size_t most_answers = 100'000;
constexpr std::size_t most_issuers = 100;
constexpr std::size_t most_failures = 10'000;

char const* word_of(revocation_key::kind what) {
    switch (what) {
        case revocation_key::kind::crl: return "crl-";
        case revocation_key::kind::ocsp: return "ocsp-";
        case revocation_key::kind::issuer: return "issuer-";
    }
    return "";
}

template <typename Entries, typename EndOf>
void make_room(Entries& entries, std::size_t most, EndOf const& end_of) {
    if (entries.size() < most) return;
    auto const oldest = std::min_element(entries.begin(), entries.end(), [&](auto const& one, auto const& other) {
        return end_of(one.second) < end_of(other.second);
    });
    entries.erase(oldest);
}

}  // namespace

std::string revocation_key::file_name() const {
    std::string bytes = name;
    bytes.append(reinterpret_cast<char const*>(issuer_key.data()), issuer_key.size());
    sha256_digest digest{};
    SHA256(reinterpret_cast<std::uint8_t const*>(bytes.data()), bytes.size(), digest.data());
    return word_of(what) + to_hex(digest) + ".der";
}

crl_ptr revocation_cache::find_crl(revocation_key const& key) const {
    std::lock_guard const lock(mutex_);
    auto const found = lists_.find(key);
    return found == lists_.end() ? nullptr : found->second.list;
}

std::pair<crl_ptr, std::uint64_t> revocation_cache::find_crl_version(revocation_key const& key) const {
    std::lock_guard const lock(mutex_);
    auto const found = lists_.find(key);
    if (found == lists_.end()) return {nullptr, 0};
    return {found->second.list, found->second.version};
}

std::optional<held_answer> revocation_cache::find_answer(revocation_key const& key, time_point now) const {
    std::lock_guard const lock(mutex_);
    auto const found = answers_.find(key);
    if (found == answers_.end() || found->second.answer.until <= now) return std::nullopt;
    return found->second.answer;
}

certificate_list revocation_cache::find_issuers(revocation_key const& key, time_point now) const {
    std::lock_guard const lock(mutex_);
    certificate_list copies;
    auto const found = issuers_.find(key);
    if (found == issuers_.end() || found->second.until <= now) return copies;
    for (auto const& one : found->second.certificates)
        copies.push_back(share(one.get()));
    return copies;
}

std::optional<recent_failure> revocation_cache::find_failure(revocation_key const& key, time_point now) const {
    std::lock_guard const lock(mutex_);
    auto const found = failures_.find(key);
    if (found == failures_.end() || found->second.until <= now) return std::nullopt;
    return found->second.failure;
}

bool revocation_cache::put_crl(revocation_key const& key, crl_ptr list, std::size_t size) {
    std::lock_guard const lock(mutex_);
    auto const held = lists_.find(key);
    if (held != lists_.end()) {
        if (is_older(*list, *held->second.list)) return false;
        if (is_same(*list, *held->second.list)) return true;
        list_bytes_ -= held->second.size;
        lists_.erase(held);
    }
    make_room_for_list(size);
    lists_[key] = {std::move(list), ++last_version_, size};
    list_bytes_ += size;
    failures_.erase(key);
    return true;
}

void revocation_cache::make_room_for_list(std::size_t size) {
    auto const ends_first = [](auto const& one, auto const& other) {
        return one.second.list->end() < other.second.list->end();
    };
    while (!lists_.empty() && (lists_.size() >= most_lists || list_bytes_ + size > most_list_bytes)) {
        auto const first = std::min_element(lists_.begin(), lists_.end(), ends_first);
        list_bytes_ -= first->second.size;
        lists_.erase(first);
    }
}

bool revocation_cache::put_answer(revocation_key const& key, held_answer const& answer) {
    std::lock_guard const lock(mutex_);
    auto const held = answers_.find(key);
    if (held == answers_.end()) {
        make_room(answers_, most_answers, [](answer_entry const& one) { return one.answer.until; });
    } else {
        if (held->second.answer.this_update > answer.this_update) return false;
        if (held->second.answer == answer) return true;
    }
    answers_[key] = {answer, ++last_version_};
    failures_.erase(key);
    return true;
}

void revocation_cache::put_issuers(revocation_key const& key, certificate_list const& found, time_point until) {
    std::lock_guard const lock(mutex_);
    make_room(issuers_, most_issuers, [](issuers_entry const& one) { return one.until; });
    issuers_entry entry{{}, until, ++last_version_};
    for (auto const& one : found)
        entry.certificates.push_back(share(one.get()));
    issuers_[key] = std::move(entry);
}

void revocation_cache::put_failure(revocation_key const& key, recent_failure failure, time_point until) {
    std::lock_guard const lock(mutex_);
    make_room(failures_, most_failures, [](failure_entry const& one) { return one.until; });
    failures_[key] = {std::move(failure), until};
}

void revocation_cache::prolong_issuers(revocation_key const& key, time_point until) {
    std::lock_guard const lock(mutex_);
    auto const found = issuers_.find(key);
    if (found != issuers_.end()) found->second.until = until;
}

std::uint64_t revocation_cache::version_of(revocation_key const& key) const {
    std::lock_guard const lock(mutex_);
    return version_in_force(key);
}

bool revocation_cache::is_unchanged(std::vector<held_version> const& basis) const {
    std::lock_guard const lock(mutex_);
    return std::all_of(basis.begin(), basis.end(),
                       [this](held_version const& one) { return version_in_force(one.key) == one.version; });
}

std::uint64_t revocation_cache::version_in_force(revocation_key const& key) const {
    auto const version_in = [&](auto const& entries) {
        auto const found = entries.find(key);
        return found == entries.end() ? 0 : found->second.version;
    };
    switch (key.what) {
        case revocation_key::kind::crl: return version_in(lists_);
        case revocation_key::kind::ocsp: return version_in(answers_);
        case revocation_key::kind::issuer: return version_in(issuers_);
    }
    return 0;
}

std::optional<std::string> read_cache_file(std::string const& folder, revocation_key const& key) {
    if (folder.empty()) return std::nullopt;
    std::ifstream in(folder + "/" + key.file_name(), std::ios::binary);
    std::string bytes;
    char block[16 * 1024];
    while (in.read(block, sizeof block), in.gcount() > 0)
        bytes.append(block, static_cast<std::size_t>(in.gcount()));
    if (in.bad() || !in.eof()) return std::nullopt;
    return bytes;
}

std::size_t size_of_cache_file(std::string const& folder, revocation_key const& key) {
    std::error_code none;
    auto const size = folder.empty() ? 0 : std::filesystem::file_size(folder + "/" + key.file_name(), none);
    return none ? 0 : static_cast<std::size_t>(size);
}

bool write_cache_file(std::string const& folder, revocation_key const& key, std::string const& bytes) {
    if (folder.empty()) return true;
    static std::atomic<unsigned> number{0};
    std::string const path = folder + "/" + key.file_name();
    std::string const beside = path + "." + std::to_string(::getpid()) + "." + std::to_string(++number);
    {
        std::ofstream out(beside, std::ios::binary | std::ios::trunc);
        out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
        out.close();
        if (!out) {
            std::remove(beside.c_str());
            return false;
        }
    }
    if (std::rename(beside.c_str(), path.c_str()) == 0) return true;
    std::remove(beside.c_str());
    return false;
}

}  // namespace ftpsgate::policy
