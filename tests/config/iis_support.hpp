// What the tests of the import from IIS share: applicationHost.config around a fragment, and the TOML that comes out,
// with its files made and loaded.
#pragma once

#include "config/iis_import.hpp"
#include "tests/config/scratch.hpp"

#include <regex>

namespace ftpsgate::config {

inline std::string in_sites(std::string const& sites, std::string const& behind = "") {
    return "<configuration><system.applicationHost><sites>\n" + sites + "\n</sites></system.applicationHost>" + behind +
           "</configuration>\n";
}

/// A site with a certificate, basic authentication, and more inside <ftpServer>.
inline std::string site(std::string const& more = "", std::string const& security = "",
                        std::string const& name = "ftp.example.com", std::string const& binding = "*:21:") {
    return "<site name=\"" + name + "\" id=\"5\"><bindings><binding protocol=\"ftp\" bindingInformation=\"" + binding +
           "\" /></bindings>\n<ftpServer>" + more + "<security><ssl serverCertHash=\"57686f\" />" +
           "<authentication><basicAuthentication enabled=\"true\" /></authentication>" + security +
           "</security></ftpServer></site>";
}

/// The sample of IIS.md section f, in an applicationHost.config.
inline std::string seed_sample() {
    return in_sites(R"(<site name="ftp.example.com" id="5">
  <application path="/">
    <virtualDirectory path="/" physicalPath="c:\inetpub\www.example.com" />
  </application>
  <bindings>
    <binding protocol="ftp" bindingInformation="*:21:" />
  </bindings>
  <ftpServer serverAutoStart="true">
    <security>
      <authentication>
        <anonymousAuthentication enabled="false" />
        <basicAuthentication enabled="true" />
      </authentication>
      <ssl serverCertHash="57686f6120447564652c2049495320526f636b73"
           controlChannelPolicy="SslRequire" dataChannelPolicy="SslRequire" />
      <sslClientCertificates clientCertificatePolicy="CertRequire" useActiveDirectoryMapping="false" />
    </security>
  </ftpServer>
</site>)");
}

/// Makes the files that the TOML names.
inline void fill_in(std::string const& toml, scratch_folder& folder) {
    static std::regex const name(R"re(= "([^"/]+\.(?:pem|key|password))"\n)re");
    for (std::sregex_iterator one(toml.begin(), toml.end(), name), end; one != end; ++one)
        folder.with((*one)[1].str());
}

struct imported {
    iis_import from;
    settings values;
    lines faults;    ///< what `check` would say, or why the import failed
    lines left_out;  ///< without the name of the file

    explicit imported(std::string const& xml) : from(import_iis(xml, "a.config")) {
        for (auto const& one : from.left_out)
            left_out.push_back(render(one, "warning").substr(9));
        faults = rendered(from.faults);
        if (!faults.empty()) return;
        scratch_folder folder;
        fill_in(from.toml, folder);
        auto const loaded = load_text(from.toml, folder.file("t.toml"));
        values = loaded.values;
        faults = rendered(loaded.faults);
    }

    site_settings const& site(std::size_t at = 0) const { return values.sites.at(at); }
    bool says(std::string const& words) const { return from.toml.find(words) != std::string::npos; }
};

}  // namespace ftpsgate::config
