#include "config/read_file.hpp"

#include <cerrno>
#include <fcntl.h>
#include <system_error>
#include <unistd.h>

namespace ftpsgate::config {

parsed<std::string> read_file(std::string const& file, std::size_t enough) {
    auto const failed = [] { return complaint{"cannot read: " + std::generic_category().message(errno)}; };
    int const descriptor = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) return failed();
    std::string content;
    ssize_t count = 0;
    do {
        char block[16'384];
        count = ::read(descriptor, block, sizeof block);
        if (count > 0) content.append(block, static_cast<std::size_t>(count));
    } while ((count > 0 && content.size() <= enough) || (count < 0 && errno == EINTR));
    auto const fault = failed();
    ::close(descriptor);
    if (count < 0) return fault;
    return content;
}

}  // namespace ftpsgate::config
