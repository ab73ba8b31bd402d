#include "policy/client_trust.hpp"

#include "policy/input_file.hpp"

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>
#include <vector>

namespace ftpsgate::policy {

namespace {

constexpr std::size_t largest_anchors_file = 4U << 20U;  // system-wide collections of roots have a few hundred KiB
constexpr std::size_t largest_list_file = 256U << 20U;

certificate_list load_anchors(config::file_path const& file, std::string const& key, config::problems& faults) {
    auto const pem = read_input_file(file, key, faults, largest_anchors_file);
    if (!pem) return {};
    std::string fault;
    auto anchors = parse_certificates(*pem, fault);
    if (!fault.empty()) faults.push_back({file.where, key, file.path + ": " + fault, "CA certificates in PEM"});
    return anchors;
}

// The files that a name stands for: itself, or what is in the folder, but for hidden files.
std::vector<config::file_path> files_behind(config::file_path const& name) {
    std::error_code ec;
    if (!std::filesystem::is_directory(name.path, ec)) return {name};
    std::vector<config::file_path> files;
    for (auto const& entry : std::filesystem::directory_iterator(name.path, ec)) {
        if (entry.path().filename().string().front() == '.') continue;
        if (entry.is_regular_file(ec)) files.push_back({entry.path().string(), name.where});
    }
    std::sort(files.begin(), files.end(), [](auto const& one, auto const& other) { return one.path < other.path; });
    return files;
}

crl_list load_lists(std::vector<config::file_path> const& names, std::string const& key, config::problems& faults) {
    crl_list lists;
    for (auto const& name : names) {
        for (auto const& file : files_behind(name)) {
            auto const bytes = read_input_file(file, key, faults, largest_list_file);
            if (!bytes) continue;
            std::string fault;
            auto found = parse_crls(*bytes, file.path, fault);
            if (!fault.empty()) faults.push_back({file.where, key, file.path + ": " + fault, ""});
            lists.insert(lists.end(), found.begin(), found.end());
        }
    }
    return lists;
}

}  // namespace

std::shared_ptr<peer_verifier const> build_peer_verifier(config::client_certificate_settings const& settings,
                                                         std::string const& site,
                                                         std::shared_ptr<verification_service> service,
                                                         config::problems& faults) {
    auto const before = faults.size();
    std::string const table = "site[" + site + "].client_certificates.";
    auto of = std::make_shared<peer_verifier::materials>();
    of->settings = settings;
    of->service = std::move(service);
    certificate_list anchors;
    if (settings.ca_file) anchors = load_anchors(*settings.ca_file, table + "ca_file", faults);
    of->lists = load_lists(settings.crl_files, table + "crl_files", faults);
    bool const usable = faults.size() == before && !anchors.empty();
    if (settings.policy == config::certificate_policy::ignore || !usable) return nullptr;
    of->anchors = std::make_shared<trust_anchors const>(std::move(anchors));
    return std::make_shared<peer_verifier const>(std::move(of));
}

}  // namespace ftpsgate::policy
