// Text that must never be shown: passwords, accounts. It has no printer, no formatter and no comparison, so that a
// careless log line or test message does not compile; reveal() is the one word to grep for. The bytes live in one heap
// block of exactly their size (a growing or small string would leave copies behind) and are wiped before it is freed.
//
// What came in through another buffer is wiped there by the caller: take() does it for a std::string.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace ftpsgate::ftp {

/// Overwrites memory in a way that the optimiser may not leave out, though nobody reads it afterwards.
inline void wipe(char* bytes, std::size_t size) noexcept {
    volatile char* at = bytes;
    for (std::size_t i = 0; i < size; ++i)
        at[i] = 0;
}

/// Overwrites all that a string holds, the unused rest of its block and the small-string bytes included, and empties
/// it.
inline void wipe(std::string& text) noexcept {
    text.resize(text.capacity());  // never reallocates; makes the whole block ours to write to
    wipe(text.data(), text.size());
    text.clear();
}

class secret_string {
public:
    secret_string() = default;
    explicit secret_string(std::string_view text)
        : bytes_(text.empty() ? nullptr : new char[text.size()]), size_(text.size()) {
        std::copy_n(text.data(), size_, bytes_.get());
    }
    /// Copies the text and wipes where it came from.
    static secret_string take(std::string& source) {
        secret_string taken{std::string_view(source)};
        ftp::wipe(source);
        return taken;
    }

    secret_string(secret_string&& other) noexcept
        : bytes_(std::move(other.bytes_)), size_(std::exchange(other.size_, 0)) {}
    secret_string& operator=(secret_string&& other) noexcept {
        if (this == &other) return *this;
        wipe();
        bytes_ = std::move(other.bytes_);
        size_ = std::exchange(other.size_, 0);
        return *this;
    }
    /// Copies are made by clone() only: each one is a decision.
    secret_string(secret_string const&) = delete;
    secret_string& operator=(secret_string const&) = delete;
    ~secret_string() { wipe(); }

    secret_string clone() const { return secret_string{reveal()}; }
    /// Valid until the object changes. Do not keep it, do not log it.
    std::string_view reveal() const { return {bytes_.get(), size_}; }
    std::size_t size() const { return size_; }
    bool empty() const { return size_ == 0; }
    void wipe() noexcept {
        ftp::wipe(bytes_.get(), size_);
        bytes_.reset();
        size_ = 0;
    }

private:
    std::unique_ptr<char[]> bytes_;
    std::size_t size_ = 0;
};

}  // namespace ftpsgate::ftp
