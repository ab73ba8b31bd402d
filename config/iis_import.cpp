#include "config/iis_import.hpp"

#include "config/iis_leftovers.hpp"
#include "config/iis_limits.hpp"
#include "config/iis_tls.hpp"
#include "config/units.hpp"

#include <algorithm>
#include <tuple>

namespace ftpsgate::config {

namespace {

constexpr std::uint16_t metrics_port = 9921;     // of the default
constexpr std::size_t largest_toml = 4U << 20U;  // more, config/load.hpp does not read

/// What concerns all sites: comments in front, and the listeners of all.
class server_draft {
public:
    explicit server_draft(std::vector<iis_site> const& sites) : sites_(sites) {
        for (auto const& site : sites)
            for (auto const& one : site.listeners)
                taken_.sorted.push_back(one.address.port);
        taken_.sorted.push_back(metrics_port);
        std::sort(taken_.sorted.begin(), taken_.sorted.end());
        head_.comment(
            "From an applicationHost.config of IIS. \"FILL IN\" is what only you know, \"LEFT OUT\" what the gate "
            "does not do, or does otherwise, with the line there. Then: ftpsgate check");
    }

    /// False: larger than the gate would read.
    bool write() {
        for (auto const& site : sites_) {
            if (site.listeners.empty()) {
                leave_out_site(site);
                continue;
            }
            site_draft draft(site);
            write_iis_site(draft);
            write_iis_tls(draft);
            write_iis_limits(draft, taken_);
            leave_out_the_rest(draft);
            collect(draft.notes());
            text_ += draft.toml();
            if (text_.size() > largest_toml) return false;
        }
        return true;
    }

    std::string toml() const {
        bool const has_metrics_port = std::count(taken_.sorted.begin(), taken_.sorted.end(), metrics_port) > 1;
        toml_section metrics("[metrics]");
        if (has_metrics_port) {
            metrics.comment("The default, port 9921, is wanted by a site.");
            metrics.set("listen", R"("")");
        }
        return head_.text() + log_.text() + metrics.text() + text_;
    }

    std::vector<iis_note> const& notes() const { return notes_; }

private:
    /// What concerns one site is a comment there already.
    void collect(std::vector<iis_note> const& notes) {
        for (auto const& note : notes) {
            notes_.push_back(note);
            auto& section = note.place == toml_place::log ? log_ : head_;
            auto const comment = left_out_comment(note.where, note.message);
            bool const is_of_all = note.place < toml_place::site;
            if (is_of_all && !section.has(comment)) section.comment(comment);
        }
    }

    void leave_out_site(iis_site const& site) {
        collect({{toml_place::head, site.element->where,
                  "the site " + shown(site.name) + " as a whole: it has no binding that the gate could listen on"}});
        for (auto note : site.notes) {
            note.place = toml_place::head;
            collect({note});
        }
    }

    std::vector<iis_site> const& sites_;
    taken_ports taken_;
    toml_section head_{""};
    toml_section log_{"[log]"};
    std::string text_;
    std::vector<iis_note> notes_;
};

/// Sites share what they inherit; said once.
problems as_problems(std::vector<iis_note> notes, std::string const& file) {
    auto const key = [](iis_note const& note) { return std::tie(note.where, note.message); };
    std::sort(notes.begin(), notes.end(), [&](auto const& a, auto const& b) { return key(a) < key(b); });
    auto const end =
        std::unique(notes.begin(), notes.end(), [&](auto const& a, auto const& b) { return key(a) == key(b); });
    problems found;
    for (auto note = notes.begin(); note != end; ++note)
        found.push_back({{file, note->where.line, note->where.column}, "", note->message, ""});
    return found;
}

iis_import unreadable(std::string const& file, text_place where, std::string message, std::string hint) {
    return {{{{file, where.line, where.column}, "", std::move(message), std::move(hint)}}, "", {}};
}

}  // namespace

iis_import import_iis(std::string_view content, std::string const& file) {
    auto const xml = read_xml(content);
    if (auto const* const fault = std::get_if<xml_fault>(&xml))
        return unreadable(file, fault->where, fault->message, fault->hint);
    auto const& root = std::get<xml_element>(xml);
    if (!is_iis_root(root.name))
        return unreadable(file, root.where,
                          "is no configuration of IIS: <" + root.name + "> in place of <configuration>", "");
    auto const sites = read_iis_sites(root);
    server_draft draft(sites);
    if (!draft.write()) return unreadable(file, {}, "has more in it than fits into 4MiB of TOML", "");
    auto notes = draft.notes();
    if (sites.empty()) notes.push_back({toml_place::head, root.where, "there is no site with a binding for ftp"});
    return {{}, draft.toml(), as_problems(std::move(notes), file)};
}

}  // namespace ftpsgate::config
