// What holds for one FTP site of IIS: its own settings, over the defaults of all sites, over the server's. A section is
// named by its path below <ftpServer> or <system.ftpServer>, "security/ssl"; both count as one tree, because no section
// is in both with the same attributes.
#pragma once

#include "config/iis_xml.hpp"

#include <string_view>
#include <vector>

namespace ftpsgate::config {

class iis_layers {
public:
    /// An <ftpServer> or <system.ftpServer>; the strongest first. The element must outlive this.
    void add(xml_element const& root) { roots_.push_back(&root); }

    /// From the strongest layer that has it; nullptr: IIS' default holds.
    xml_attribute const* attribute(std::string_view section, std::string_view name) const;

    /// What <add>, <remove> and <clear> leave of a collection, those of the weakest layer first.
    std::vector<xml_element const*> entries(std::string_view section) const;

    /// Of the section in the strongest layer that has it; unknown where none has.
    text_place where(std::string_view section) const;

    std::vector<xml_element const*> const& roots() const { return roots_; }

private:
    std::vector<xml_element const*> roots_;
};

}  // namespace ftpsgate::config
