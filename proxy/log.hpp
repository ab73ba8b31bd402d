// The event log: one structured line an event. Text is `key=value`, JSON one object a line; keys and their order are
// the same in both: `event`, the fields as given (session, site, client first, by INTERFACE.md), then `level` and
// `time` (RFC 3339, UTC).
//
//     log_line(log, level::info, "login").field("session", id).field("site", name).field("user", user);
//
// Values come from peers and are hostile: they are escaped and capped. Secrets do not compile.
#pragma once

#include "config/settings.hpp"
#include "proxy/ftp/secret.hpp"
#include "proxy/log_file.hpp"

#include <boost/system/error_code.hpp>

#include <atomic>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace ftpsgate::proxy {

using level = config::log_level;

/// Bytes of one value as it is rendered, quotes not counted; longer ones end in "...".
inline constexpr std::size_t log_value_limit = 512;

/// All members may be called from any thread, except reopen() and configure(): one thread at a time.
class event_log {
public:
    /// To standard error, until configure() says otherwise.
    explicit event_log(level least = level::info, config::log_format format = config::log_format::text);

    /// Level, format and file. When the file cannot be opened nothing changes.
    boost::system::error_code configure(config::log_settings const& settings);
    boost::system::error_code reopen() { return file_.reopen(); }
    void hand_over(config::system_account const& account) const noexcept { file_.hand_over(account); }

    bool wants(level of_line) const noexcept { return of_line <= least_.load(std::memory_order_relaxed); }
    config::log_format format() const noexcept { return format_.load(std::memory_order_relaxed); }
    /// One line with its line end.
    void write(level of_line, std::string_view line) noexcept;
    /// Errors go to the file only from now on. Before, to standard error as well: whoever starts the gate by hand sees
    /// there why it does not start.
    void started() noexcept { starting_.store(false, std::memory_order_relaxed); }
    std::uint64_t lost_lines() const noexcept { return file_.lost_lines(); }

private:
    log_file file_;
    std::atomic<level> least_;
    std::atomic<config::log_format> format_;
    std::atomic<bool> starting_{true};
};

/// Written when it is destroyed, or by write(). Costs nothing but a comparison when the level is not wanted.
/// Keys and the event's name are the program's own words: [a-z0-9_]+, not escaped.
class log_line {
public:
    log_line(event_log& log, level of_line, std::string_view event) : log_(log.wants(of_line) ? &log : nullptr) {
        if (log_) begin(of_line, event);
    }
    ~log_line() { write(); }
    log_line(log_line const&) = delete;
    log_line& operator=(log_line const&) = delete;

    log_line& field(std::string_view key, std::string_view value) {
        if (log_) add_text(key, value);
        return *this;
    }
    log_line& field(std::string_view key, char const* value) { return field(key, std::string_view(value)); }
    template <std::integral Number>
    log_line& field(std::string_view key, Number value) {
        if (!log_) return *this;
        if constexpr (std::same_as<Number, bool>) {
            add_bare(key, value ? "true" : "false");
        } else if constexpr (std::signed_integral<Number>) {
            add_signed(key, value);
        } else {
            add_unsigned(key, value);
        }
        return *this;
    }
    /// Seconds with three decimals.
    template <typename Rep, typename Period>
    log_line& field(std::string_view key, std::chrono::duration<Rep, Period> value) {
        if (log_) add_seconds(key, std::chrono::duration_cast<std::chrono::milliseconds>(value));
        return *this;
    }
    log_line& field(std::string_view key, ftp::secret_string const& value) = delete;
    log_line& field(std::string_view key, char value) = delete;

    /// Now rather than at the end of the expression; the object takes no more fields.
    void write() noexcept;

private:
    void begin(level of_line, std::string_view event);
    void add_key(std::string_view key);
    void add_text(std::string_view key, std::string_view value);
    void add_bare_text(std::string_view key, std::string_view value);
    void add_bare(std::string_view key, std::string_view value);
    void add_signed(std::string_view key, std::int64_t value);
    void add_unsigned(std::string_view key, std::uint64_t value);
    void add_seconds(std::string_view key, std::chrono::milliseconds value);

    event_log* log_;  // null: not wanted, or written
    level level_ = level::info;
    config::log_format format_ = config::log_format::text;
    std::string text_;
};

}  // namespace ftpsgate::proxy
