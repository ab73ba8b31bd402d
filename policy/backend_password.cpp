#include "policy/backend_password.hpp"

#include "policy/certificate_text.hpp"

#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace ftpsgate::policy {

namespace {

constexpr std::string_view user_mark = "%u";
constexpr std::size_t longest_line = 255;  // B-192

/// Closes itself.
class open_file {
public:
    // Without O_NONBLOCK a FIFO would hold the gate until somebody writes into it.
    explicit open_file(std::string const& path) : fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {}
    ~open_file() {
        if (fd_ >= 0) ::close(fd_);
    }
    open_file(open_file const&) = delete;
    open_file& operator=(open_file const&) = delete;
    int fd() const { return fd_; }

private:
    int fd_;
};

std::string reason(int error) {
    return std::generic_category().message(error);
}

// Up to the buffer's size. False with errno.
bool read_all(int fd, std::string& buffer) {
    std::size_t filled = 0;
    ssize_t got = 1;
    while (filled < buffer.size() && got > 0) {
        got = ::read(fd, buffer.data() + filled, buffer.size() - filled);
        if (got > 0) filled += static_cast<std::size_t>(got);
        if (got < 0 && errno == EINTR) got = 1;
    }
    if (got < 0) OPENSSL_cleanse(buffer.data(), filled);
    buffer.resize(filled);
    return got >= 0;
}

std::string without_line_end(std::string text) {
    if (text.ends_with('\n')) text.pop_back();
    if (text.ends_with('\r')) text.pop_back();
    return text;
}

bool is_one_line(std::string_view text, std::size_t longest) {
    std::string_view const breaks_lines("\r\n\0", 3);
    return !text.empty() && text.size() <= longest && text.find_first_of(breaks_lines) == text.npos && is_utf8(text);
}

// nullopt with `fault`. Takes the text over.
std::optional<secret> checked(std::string text, std::size_t longest, std::string& fault) {
    bool const is_good = is_one_line(text, longest);
    if (!is_good)
        fault =
            text.empty() ? "is empty" : "is not one line of UTF-8 with at most " + std::to_string(longest) + " bytes";
    auto const kept = secret::take(std::move(text));
    return is_good ? std::optional(kept) : std::nullopt;
}

std::optional<secret> read_variable(std::string const& name, std::string& fault) {
    char const* const value = std::getenv(name.c_str());
    if (value == nullptr) {
        fault = "the environment variable " + name + " is not set";
        return std::nullopt;
    }
    auto found = checked(value, longest_line, fault);
    if (!found) fault = "the environment variable " + name + " " + fault;
    return found;
}

bool is_file_name(std::string_view user) {
    return fits_ftp_line(user) && user.front() != '.' && user.find('/') == user.npos && user.find("..") == user.npos;
}

std::string with_user(std::string path, std::string_view user) {
    for (auto at = path.find(user_mark); at != path.npos; at = path.find(user_mark, at + user.size()))
        path.replace(at, user_mark.size(), user);
    return path;
}

struct place {
    config::location where;
    char const* part = ".password";  // of the key
};

place place_of(config::password_source const& source) {
    if (source.value) return {source.value->where};
    if (source.environment) return {source.environment->where, ".password_env"};
    if (source.file) return {source.file->where, ".password_file"};
    return {};
}

}  // namespace

std::optional<backend_password> backend_password::load(config::password_source const& source, std::string const& key,
                                                       config::problems& faults) {
    backend_password made;
    std::string fault;
    std::optional<secret> fixed;
    auto const blamed = place_of(source);
    if (source.value) fixed = checked(source.value->text, longest_line, fault);
    if (source.environment) fixed = read_variable(source.environment->text, fault);
    if (source.file) {
        if (source.file->path.empty()) return std::nullopt;  // the loader has said why
        bool const is_one_each = source.file->path.find(user_mark) != std::string::npos;
        if (is_one_each) made.file_ = source.file->path;
        if (!is_one_each) fixed = read_password_file(source.file->path, longest_line, fault);
    }
    if (!fixed && made.file_.empty() && fault.empty()) fault = "is missing";  // the loader says where
    if (!fault.empty()) {
        faults.push_back({blamed.where, key + blamed.part, fault, ""});
        return std::nullopt;
    }
    if (fixed) made.fixed_ = *fixed;
    return made;
}

std::optional<secret> backend_password::of(std::string_view user, std::string& fault) const {
    if (file_.empty()) return fixed_;
    if (is_file_name(user)) return read_password_file(with_user(file_, user), longest_line, fault);
    fault = "the user's name cannot be part of a file's name";
    return std::nullopt;
}

std::optional<secret> read_password_file(std::string const& path, std::size_t longest, std::string& fault) {
    open_file const file(path);
    struct stat status {};
    if (file.fd() < 0 || ::fstat(file.fd(), &status) != 0) {
        fault = "cannot read " + path + ": " + reason(errno);
        return std::nullopt;
    }
    if (!S_ISREG(status.st_mode)) {
        fault = "cannot read " + path + ": not a regular file";
        return std::nullopt;
    }
    std::string bytes(longest + 3, '\0');  // with its line end, and one byte that is too much
    if (!read_all(file.fd(), bytes)) {
        fault = "cannot read " + path + ": " + reason(errno);
        return std::nullopt;
    }
    auto found = checked(without_line_end(std::move(bytes)), longest, fault);
    if (!found) fault = "what is in " + path + " " + fault;
    return found;
}

bool fits_ftp_line(std::string_view text) {
    return is_one_line(text, longest_line);
}

}  // namespace ftpsgate::policy
