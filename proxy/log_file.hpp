// A file that lines are appended to by any thread, whole and without a lock: one write(2) each. It can be opened anew
// by its name (SIGUSR1, after a rotation) or replaced by another while threads write.
//
// A file that cannot be written to (disk full, reader gone) loses lines and counts them; it never fails the caller. A
// reader that stops reading a pipe stops the writer: give it a file, or the journal.
#pragma once

#include "config/settings.hpp"

#include <boost/system/error_code.hpp>

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>

namespace ftpsgate::proxy {

/// All members may be called from any thread, except point_at() and reopen(): one thread at a time.
class log_file {
public:
    /// Where lines go while there is no name.
    enum class nameless { to_standard_error, nowhere };

    /// Makes the process ignore SIGPIPE and SIGXFSZ, which would end it when the reader of the log is gone or the file
    /// has reached its limit.
    explicit log_file(nameless where);
    ~log_file();
    log_file(log_file const&) = delete;
    log_file& operator=(log_file const&) = delete;

    /// Appended to, created with mode 0640; "" = without a name. When it cannot be opened nothing changes.
    boost::system::error_code point_at(std::string const& file);
    /// The file by its name again; the old one stays in use when that fails.
    boost::system::error_code reopen();

    /// Makes the account the owner of the file, so that it can reopen it; a caller that may not do that changes
    /// nothing.
    void hand_over(config::system_account const& account) const noexcept;

    /// False: what is written goes nowhere.
    bool is_read() const noexcept { return is_read_.load(std::memory_order_relaxed); }
    bool is_named() const { return !name_.empty(); }
    /// One line with its line end.
    void write(std::string_view line) noexcept;
    std::uint64_t lost_lines() const noexcept { return lost_.load(std::memory_order_relaxed); }

private:
    int open_nameless() const;

    nameless const where_;
    int const descriptor_;  // its own number for good; reopening puts another file behind it
    std::string name_;
    std::atomic<bool> is_read_;
    std::atomic<std::uint64_t> lost_{0};
    std::atomic<bool> torn_{false};  // a line was written in part: the next one begins on a new line
};

}  // namespace ftpsgate::proxy
