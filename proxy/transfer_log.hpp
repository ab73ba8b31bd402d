// The transfer log: a line for each file that went through, in the format of xferlog(5), which log analysers for FTP
// servers read. Listings are not in it, nor what was refused before a byte could move.
//
// A line has fourteen fields and a value is one of them: white space, controls and what is not UTF-8 become '_' in
// names, as in other servers' logs. The path is the one that the client named: the gate does not know its folder.
#pragma once

#include "proxy/log_file.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace ftpsgate::proxy {

struct transfer_record {
    enum class way { upload, download };
    enum class form { ascii, binary };
    enum class end { complete, incomplete };

    std::chrono::system_clock::time_point at;  ///< its end
    std::chrono::steady_clock::duration took;
    std::string_view client;  ///< address, without the port
    std::uint64_t bytes = 0;
    std::string_view path;
    form as = form::ascii;
    way direction = way::download;
    std::string_view user;  ///< at the backend
    end ended = end::complete;
};

/// The line with its line end; the time is local time, as xferlog(5) has it.
std::string render(transfer_record const& record);

/// write() may be called from any thread.
class transfer_log {
public:
    boost::system::error_code configure(std::string const& file) { return file_.point_at(file); }
    boost::system::error_code reopen() { return file_.reopen(); }
    void hand_over(config::system_account const& account) const noexcept { file_.hand_over(account); }
    bool is_wanted() const noexcept { return file_.is_read(); }
    void write(transfer_record const& record) noexcept;
    std::uint64_t lost_lines() const noexcept { return file_.lost_lines(); }

private:
    log_file file_{log_file::nameless::nowhere};
};

}  // namespace ftpsgate::proxy
