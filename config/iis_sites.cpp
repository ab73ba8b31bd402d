#include "config/iis_sites.hpp"

#include "config/iis_bindings.hpp"
#include "config/iis_values.hpp"
#include "config/unicode.hpp"
#include "config/units.hpp"
#include "config/words.hpp"

#include <algorithm>
#include <set>

namespace ftpsgate::config {

namespace {

constexpr std::size_t longest_name = 240;  // of 253, as a number may follow
constexpr std::size_t longest_stem = 50;   // of 63

/// "Default FTP Site" -> "default-ftp-site"; "" when nothing is left.
std::string stem_of(std::string_view name) {
    std::string stem;
    for (char const c : to_lower(name)) {
        bool const is_letter = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
        bool const follows_letter = !stem.empty() && stem.back() != '-' && stem.back() != '.';
        if (is_letter)
            stem += c;
        else if (follows_letter)
            stem += c == '.' ? '.' : '-';
    }
    stem.resize(std::min(stem.size(), longest_stem));
    while (stem.ends_with('-') || stem.ends_with('.'))
        stem.pop_back();
    // "a-.b": the dot was left out, so every label is sound but its end.
    return parse_host_name(stem) ? stem : std::string();
}

class site_reader {
public:
    explicit site_reader(xml_element const& root) : root_(root) {
        if (root.name == "configuration")
            for (auto const& child : root.children)
                (is_server_wide(child) ? server_ : child.name == "location" ? locations_ : others_).push_back(&child);
        else
            others_.push_back(&root);
    }

    std::vector<iis_site> read() {
        for (auto const* const part : others_) {
            if (part->name == "site") read_site(*part, nullptr);
            if (part->name == "sites") read_sites(*part);
            if (part->name != "system.applicationHost") continue;
            for (auto const& child : part->children)
                if (child.name == "sites") read_sites(child);
        }
        return std::move(sites_);
    }

private:
    static bool is_server_wide(xml_element const& child) {
        return child.name == "location" && (child.value("path").empty() || child.value("path") == ".");
    }

    void read_sites(xml_element const& sites) {
        auto const* const defaults = sites.child("siteDefaults");
        for (auto const& child : sites.children)
            if (child.name == "site") read_site(child, defaults);
    }

    void read_site(xml_element const& element, xml_element const* defaults) {
        iis_site site{&element, {}, {}, {}, {}, {}, {}};
        auto const* const own = element.child("bindings");
        auto const* const bindings = own != nullptr || defaults == nullptr ? own : defaults->child("bindings");
        if (!read_iis_bindings(bindings, site)) return;
        add_layers(element, defaults, site);
        name(element, site);
        sites_.push_back(std::move(site));
    }

    /// A <location> of the site, then the site, then the defaults of sites, then the server.
    void add_layers(xml_element const& element, xml_element const* defaults, iis_site& site) {
        for (auto location = locations_.rbegin(); location != locations_.rend(); ++location)
            add_location(**location, element, site);
        add_child(element, "ftpServer", site);
        if (defaults != nullptr) add_child(*defaults, "ftpServer", site);
        for (auto location = server_.rbegin(); location != server_.rend(); ++location)
            add_child(**location, "system.ftpServer", site);
        add_child(root_, "system.ftpServer", site);
    }

    static void add_child(xml_element const& parent, std::string_view child, iis_site& site) {
        if (auto const* const found = parent.child(child)) site.layers.add(*found);
    }

    static void add_location(xml_element const& location, xml_element const& element, iis_site& site) {
        auto path = to_lower(location.value("path"));
        while (path.ends_with('/'))
            path.pop_back();
        auto const name = to_lower(element.value("name"));
        if (path == name) {
            add_child(location, "ftpServer", site);
            add_child(location, "system.ftpServer", site);
        } else if (path.starts_with(name + "/") && location.child("system.ftpServer") != nullptr) {
            site.notes.push_back({toml_place::backend, location.where,
                                  "settings for the folder " + shown(location.value("path")) +
                                      ": the gate has no settings for folders, leave it to the backend"});
        }
    }

    void name(xml_element const& element, iis_site& site) {
        auto const given = element.value("name");
        auto const fallback = "site-" + std::to_string(sites_.size() + 1);
        site.name = unique(given.empty() ? fallback : fit_on_line(given, longest_name), names_, " ");
        if (site.name != given && !given.empty())
            site.notes.push_back({toml_place::site, element.where, "the name " + shown(given) + " had to be changed"});
        auto const stem = stem_of(given);
        site.stem = unique(stem.empty() ? fallback : stem, stems_, "-");
    }

    static std::string unique(std::string const& wanted, std::set<std::string>& taken, std::string_view separator) {
        auto found = wanted;
        for (unsigned count = 2; !taken.insert(to_lower(found)).second; ++count)
            found = wanted + std::string(separator) + std::to_string(count);
        return found;
    }

    xml_element const& root_;
    std::vector<xml_element const*> server_;
    std::vector<xml_element const*> locations_;
    std::vector<xml_element const*> others_;
    std::vector<iis_site> sites_;
    std::set<std::string> names_;
    std::set<std::string> stems_;
};

}  // namespace

std::vector<iis_site> read_iis_sites(xml_element const& root) {
    auto sites = site_reader(root).read();
    settle_iis_addresses(sites);
    return sites;
}

bool is_iis_root(std::string_view name) {
    return name == "configuration" || name == "system.applicationHost" || name == "sites" || name == "site";
}

}  // namespace ftpsgate::config
