#include "proxy/privileges.hpp"

#include <cerrno>
#include <grp.h>
#include <sys/resource.h>
#include <unistd.h>

namespace ftpsgate::proxy {

namespace {

boost::system::error_code last_error() {
    return {errno, boost::system::system_category()};
}

}  // namespace

boost::system::error_code become(config::system_account const& account) {
    if (::geteuid() == account.user_id && ::getuid() == account.user_id) return {};
    if (::initgroups(account.name.c_str(), account.group_id) != 0) return last_error();
    if (::setresgid(account.group_id, account.group_id, account.group_id) != 0) return last_error();
    if (::setresuid(account.user_id, account.user_id, account.user_id) != 0) return last_error();
    // Whoever could come back is still root.
    bool const came_back = account.user_id != 0 && ::setuid(0) == 0;
    return came_back ? boost::system::error_code(EPERM, boost::system::system_category()) : boost::system::error_code();
}

std::size_t raise_descriptor_limit() {
    ::rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
    ::getrlimit(RLIMIT_NOFILE, &limit);
    return static_cast<std::size_t>(limit.rlim_cur);
}

}  // namespace ftpsgate::proxy
