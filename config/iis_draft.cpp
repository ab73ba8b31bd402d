#include "config/iis_draft.hpp"

#include "config/units.hpp"

namespace ftpsgate::config {

namespace {

std::string not_taken(site_draft::key const& what, std::string const& value) {
    return std::string(what.section).append(": ").append(what.name) + "=" + shown(value) + " is no value of IIS";
}

}  // namespace

site_draft::site_draft(iis_site const& from)
    : from_(from),
      sections_{{toml_place::site, toml_section("[[site]]")},
                {toml_place::ssl, toml_section("[site.ssl]")},
                {toml_place::client_certificates, toml_section("[site.client_certificates]")},
                {toml_place::authentication, toml_section("[site.authentication]")},
                {toml_place::identity, toml_section("[[site.identity]]")},
                {toml_place::active_directory, toml_section("[site.active_directory]")},
                {toml_place::backend, toml_section("[site.backend]")},
                {toml_place::data, toml_section("[site.data]")},
                {toml_place::limits, toml_section("[site.limits]")},
                {toml_place::commands, toml_section("[site.commands]")}} {
    for (auto const& note : from.notes)
        leave_out(note.place, note.where, note.message);
}

void site_draft::leave_out(toml_place place, text_place where, std::string const& message) {
    auto const section = sections_.find(place);
    if (section != sections_.end()) section->second.comment(left_out_comment(where, message));
    notes_.push_back({place, where, message});
}

void site_draft::leave_out(toml_place place, std::string_view section, std::string const& message) {
    auto const where = from_.layers.where(section);
    leave_out(place, where == text_place{} ? from_.element->where : where, message);
}

std::string left_out_comment(text_place where, std::string const& message) {
    return "LEFT OUT (line " + std::to_string(where.line) + "): " + message;
}

template <typename Value, typename Parse>
Value site_draft::read(toml_place place, key const& what, Value const& otherwise, Parse const& parse) {
    auto const* const found = from_.layers.attribute(what.section, what.name);
    if (found == nullptr) return otherwise;
    auto const value = parse(found->value);
    if (value) return *value;
    leave_out(place, found->where, not_taken(what, found->value));
    return otherwise;
}

std::string site_draft::text(key const& what) const {
    auto const* const found = from_.layers.attribute(what.section, what.name);
    return found == nullptr ? std::string() : found->value;
}

bool site_draft::flag(toml_place place, key const& what, bool otherwise) {
    return read(place, what, otherwise, parse_iis_bool);
}

std::uint64_t site_draft::number(toml_place place, key const& what, std::uint64_t otherwise) {
    return read(place, what, otherwise, parse_iis_number);
}

milliseconds site_draft::duration(toml_place place, key const& what, milliseconds otherwise) {
    return read(place, what, otherwise, parse_iis_duration);
}

std::uint64_t site_draft::word(toml_place place, key const& what, std::initializer_list<iis_word> words,
                               choice const& other) {
    bool const is_given = from_.layers.attribute(what.section, what.name) != nullptr;
    return read(place, what, is_given ? other.strictest : other.missing,
                [&](std::string const& value) { return parse_iis_word(value, words); });
}

std::string site_draft::toml() const {
    std::string all;
    for (auto const& [place, section] : sections_)
        all += section.text();
    return all;
}

}  // namespace ftpsgate::config
