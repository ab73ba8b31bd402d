// One site of the TOML while it is written: its sections, the typed reading of what IIS says, and what is left out,
// which becomes a comment in the section where it belongs and a note.
#pragma once

#include "config/iis_sites.hpp"
#include "config/iis_values.hpp"
#include "config/toml_writer.hpp"

#include <cstdint>
#include <initializer_list>
#include <map>
#include <string>
#include <string_view>

namespace ftpsgate::config {

std::string left_out_comment(text_place where, std::string const& message);

class site_draft {
public:
    explicit site_draft(iis_site const& from);

    iis_site const& from() const { return from_; }
    /// Of the places from `site` on.
    toml_section& operator[](toml_place place) { return sections_.at(place); }

    /// For standard error, and a comment in the section. What concerns all sites, places before `site`, has its comment
    /// in no site.
    void leave_out(toml_place place, text_place where, std::string const& message);
    /// The same, of a section; in its place that of the site where IIS' defaults hold.
    void leave_out(toml_place place, std::string_view section, std::string const& message);
    std::vector<iis_note> const& notes() const { return notes_; }

    // What IIS says, or its default. A value that IIS would not take is left out, and `otherwise` holds.
    struct key {
        std::string_view section, name;
    };
    std::string text(key const& what) const;
    bool flag(toml_place place, key const& what, bool otherwise);
    std::uint64_t number(toml_place place, key const& what, std::uint64_t otherwise);
    milliseconds duration(toml_place place, key const& what, milliseconds otherwise);
    /// `missing` where IIS' default holds, `strictest` for a word that is none.
    struct choice {
        std::uint64_t missing, strictest;
    };
    std::uint64_t word(toml_place place, key const& what, std::initializer_list<iis_word> words, choice const& other);

    /// All sections, in the order of places.
    std::string toml() const;

private:
    template <typename Value, typename Parse>
    Value read(toml_place place, key const& what, Value const& otherwise, Parse const& parse);

    iis_site const& from_;
    std::map<toml_place, toml_section> sections_;
    std::vector<iis_note> notes_;
};

}  // namespace ftpsgate::config
