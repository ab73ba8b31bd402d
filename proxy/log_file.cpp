#include "proxy/log_file.hpp"

#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <unistd.h>

namespace ftpsgate::proxy {

namespace {

boost::system::error_code last_error() {
    return {errno, boost::system::system_category()};
}

bool write_all(int descriptor, std::string_view bytes, bool& torn) noexcept {
    while (!bytes.empty()) {
        ssize_t const written = ::write(descriptor, bytes.data(), bytes.size());
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(written));
        torn = !bytes.empty();
    }
    return true;
}

}  // namespace

log_file::log_file(nameless where)
    : where_(where), descriptor_(open_nameless()), is_read_(where == nameless::to_standard_error) {
    std::signal(SIGPIPE, SIG_IGN);
    std::signal(SIGXFSZ, SIG_IGN);
}

log_file::~log_file() {
    if (descriptor_ >= 0) ::close(descriptor_);
}

// A number of our own for standard error. Without one (the caller closed it) lines are lost, not written to whatever
// file gets number 2 later.
int log_file::open_nameless() const {
    int const copy = where_ == nameless::to_standard_error ? ::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3) : -1;
    return copy >= 0 ? copy : ::open("/dev/null", O_WRONLY | O_CLOEXEC);
}

// dup3 replaces the file behind the number at once: a thread that writes meanwhile hits the old or the new one.
boost::system::error_code log_file::point_at(std::string const& file) {
    int const opened = file.empty() ? open_nameless()
                                    : ::open(file.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0640);
    if (opened < 0) return last_error();
    auto error = boost::system::error_code{};
    if (::dup3(opened, descriptor_, O_CLOEXEC) < 0) error = last_error();
    ::close(opened);
    if (error) return error;
    name_ = file;
    is_read_ = where_ == nameless::to_standard_error || !file.empty();
    return {};
}

boost::system::error_code log_file::reopen() {
    return name_.empty() ? boost::system::error_code{} : point_at(name_);
}

void log_file::hand_over(config::system_account const& account) const noexcept {
    if (!name_.empty() && ::fchown(descriptor_, account.user_id, account.group_id) != 0) return;
}

void log_file::write(std::string_view line) noexcept {
    bool torn = torn_.load(std::memory_order_relaxed) && torn_.exchange(false, std::memory_order_relaxed);
    if (torn && !write_all(descriptor_, "\n", torn)) {
        torn_.store(true, std::memory_order_relaxed);
        lost_.fetch_add(1, std::memory_order_relaxed);
        return;
    }
    if (write_all(descriptor_, line, torn)) return;
    lost_.fetch_add(1, std::memory_order_relaxed);
    if (torn) torn_.store(true, std::memory_order_relaxed);
}

}  // namespace ftpsgate::proxy
