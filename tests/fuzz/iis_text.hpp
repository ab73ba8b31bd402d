// An applicationHost.config out of the bytes of a fuzzer: well formed, with the names that IIS knows, and with any
// values. Bytes alone are seldom XML.
#pragma once

#include "tests/fuzz/input.hpp"

#include <array>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace ftpsgate::fuzz {

class iis_text {
public:
    explicit iis_text(input from) {
        while (!from.rest().empty())
            step(from);
    }

    std::string xml() const {
        auto const sites = site(0) + site(1) + element("siteDefaults", written("ftpServer", roots_[2]));
        return element("configuration", element("system.applicationHost", element("sites", sites)) +
                                            written("system.ftpServer", roots_[3]) + location(4, 0) + location(5, 1));
    }

private:
    struct node {
        std::map<std::string, std::string> attributes;
        std::map<std::string, node> sections;
        std::vector<node> entries;  ///< <add>
    };

    struct place {
        std::string_view path, attribute;
    };

    static constexpr std::array places{
        place{"connections", "unauthenticatedTimeout"},
        place{"connections", "controlChannelTimeout"},
        place{"connections", "maxConnections"},
        place{"connections", "minBytesPerSecond"},
        place{"security/ssl", "serverCertHash"},
        place{"security/ssl", "controlChannelPolicy"},
        place{"security/ssl", "dataChannelPolicy"},
        place{"security/sslClientCertificates", "clientCertificatePolicy"},
        place{"security/sslClientCertificates", "validationFlags"},
        place{"security/sslClientCertificates", "revocationFreshnessTime"},
        place{"security/sslClientCertificates", "revocationUrlRetrievalTimeout"},
        place{"security/sslClientCertificates", "useActiveDirectoryMapping"},
        place{"security/authentication/basicAuthentication", "enabled"},
        place{"security/authentication/anonymousAuthentication", "enabled"},
        place{"security/authentication/clientCertAuthentication", "enabled"},
        place{"security/authentication/customAuthentication/providers/add", "name"},
        place{"security/authentication/denyByFailure", "enabled"},
        place{"security/authentication/denyByFailure", "maxFailure"},
        place{"security/authentication/denyByFailure", "entryExpiration"},
        place{"security/commandFiltering", "maxCommandLine"},
        place{"security/commandFiltering", "allowUnlisted"},
        place{"security/commandFiltering/add", "command"},
        place{"security/commandFiltering/add", "allowed"},
        place{"security/ipSecurity/add", "ipAddress"},
        place{"firewallSupport", "externalIp4Address"},
        place{"firewallSupport", "lowDataChannelPort"},
        place{"firewallSupport", "highDataChannelPort"},
        place{"messages", "bannerMessage"},
        place{"messages", "greetingMessage"},
        place{"userIsolation", "mode"},
        place{"add", "bindingInformation"},
        place{"add", "bindingInformation"},
    };

    static constexpr std::array<std::string_view, 30> values{"true",
                                                             "false",
                                                             "0",
                                                             "1",
                                                             "2",
                                                             "3",
                                                             "4",
                                                             "15",
                                                             "21",
                                                             "990",
                                                             "9921",
                                                             "65535",
                                                             "1025",
                                                             "4294967295",
                                                             "100000",
                                                             "00:00:30",
                                                             "1.0:0:0",
                                                             "400.0:0:0",
                                                             "*:21:",
                                                             "*:990:",
                                                             "*:21:a",
                                                             "*:9921:b",
                                                             "[::1]:21:a",
                                                             "10.0.0.1:21:b",
                                                             "SITE",
                                                             "QUIT",
                                                             "198.51.100.7",
                                                             "a",
                                                             "Default FTP Site",
                                                             ""};

    void step(input& from) {
        auto& root = roots_[from.byte() % roots_.size()];
        auto const& what = places[from.byte() % places.size()];
        auto const which = from.byte();
        std::string const value(which < values.size() ? values[which] : from.text());
        if (which % 7 == 0) return void(root.attributes.insert_or_assign("name", value));
        node* at = &root;
        for (auto path = what.path; !path.empty();) {
            auto const end = std::min(path.find('/'), path.size());
            at = path.substr(0, end) == "add" ? &last_entry(*at, what.attribute)
                                              : &at->sections[std::string(path.substr(0, end))];
            path.remove_prefix(std::min(end + 1, path.size()));
        }
        at->attributes.insert_or_assign(std::string(what.attribute), value);
    }

    static node& last_entry(node& collection, std::string_view attribute) {
        auto& entries = collection.entries;
        if (entries.empty() || entries.back().attributes.contains(std::string(attribute))) entries.emplace_back();
        return entries.back();
    }

    static std::string escaped(std::string_view text) {
        std::string safe;
        for (char const c : text)
            if (c == '&' || c == '<' || c == '"' || static_cast<unsigned char>(c) < 0x20)
                safe += "&#" + std::to_string(static_cast<unsigned char>(c)) + ";";
            else if (static_cast<signed char>(c) < 0)
                safe +=
                    "&#" + std::to_string(0xD780 + static_cast<unsigned char>(c)) + ";";  // some of them no characters
            else
                safe += c;
        return safe;
    }

    static std::string element(std::string const& name, std::string const& inner) {
        return "<" + name + ">" + inner + "</" + name + ">\n";
    }

    static std::string written(std::string const& name, node const& from) {
        std::string text = "<" + name;
        for (auto const& [key, value] : from.attributes)
            text += " " + key + "=\"" + escaped(value) + "\"";
        text += ">";
        for (auto const& [key, section] : from.sections)
            text += written(key, section);
        for (auto const& entry : from.entries)
            if (!entry.attributes.contains("bindingInformation")) text += written("add", entry);
        return text + "</" + name + ">";
    }

    std::string name_of(std::size_t at) const {
        auto const found = roots_[at].attributes.find("name");
        return escaped(found == roots_[at].attributes.end() ? "ftp.example.com" : found->second);
    }

    std::string site(std::size_t at) const {
        std::string bindings = "<binding protocol=\"ftp\" bindingInformation=\"*:21:\"/>";
        for (auto const& entry : roots_[at].entries)
            if (auto const found = entry.attributes.find("bindingInformation"); found != entry.attributes.end())
                bindings += "<binding protocol=\"ftp\" bindingInformation=\"" + escaped(found->second) + "\"/>";
        return "<site name=\"" + name_of(at) + "\">" + element("bindings", bindings) +
               written("ftpServer", roots_[at]) + "</site>";
    }

    std::string location(std::size_t at, std::size_t of) const {
        return "<location path=\"" + name_of(of) + "\">" + written("system.ftpServer", roots_[at]) + "</location>";
    }

    std::array<node, 6> roots_;
};

}  // namespace ftpsgate::fuzz
