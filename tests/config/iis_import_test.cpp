// import-iis, what is carried over: sites, bindings, and the sections that have a counterpart (IIS.md section c).
#include "tests/config/iis_support.hpp"

#include <catch2/catch.hpp>

using namespace ftpsgate::config;
using Catch::Contains;

namespace {

imported with(std::string const& more, std::string const& security = "") {
    return imported(in_sites(site(more, security)));
}

lines const nothing;

}  // namespace

TEST_CASE("iis: the seed's sample comes over whole", "[config][iis]") {
    imported const done(seed_sample());
    CHECK(done.faults == nothing);
    CHECK(done.left_out == nothing);
    REQUIRE(done.values.sites.size() == 1);
    auto const& one = done.site();
    CHECK(one.name == "ftp.example.com");
    CHECK(one.hosts == lines{"ftp.example.com"});
    REQUIRE(one.listen.size() == 1);
    CHECK(one.listen[0].address == endpoint{"0.0.0.0", 21, {}});
    CHECK(one.listen[0].tls == tls_mode::explicit_tls);
    CHECK(one.ssl.control_channel_policy == control_policy::require);
    CHECK(one.ssl.data_channel_policy == data_policy::require);
    CHECK(one.ssl.certificate.size() == 1);
    CHECK(one.client_certificates.policy == certificate_policy::require);
    CHECK(one.authentication.basic);
    CHECK_FALSE(one.authentication.client_certificate);
    CHECK_FALSE(one.active_directory.enabled);
    CHECK(done.says("57686f6120447564652c2049495320526f636b73"));
    CHECK(done.says(R"(c:\inetpub\www.example.com)"));
}

TEST_CASE("iis: defaults are those of IIS, not the gate's", "[config][iis]") {
    auto const done = with("");
    CHECK(done.faults == nothing);
    CHECK(done.left_out == nothing);
    auto const& one = done.site();
    CHECK(one.ssl.control_channel_policy == control_policy::require);
    CHECK(one.ssl.data_channel_policy == data_policy::require);
    CHECK(one.client_certificates.policy == certificate_policy::ignore);
    CHECK(one.limits.login_timeout == 30s);
    CHECK(one.limits.idle_timeout == 120s);
    CHECK(one.data.idle_timeout == 30s);
    CHECK(one.limits.sessions == 1'000'000);
    CHECK(one.commands.deny.empty());
}

TEST_CASE("iis: policies are names or numbers", "[config][iis]") {
    using control = control_policy;
    auto const [word, number, expected] = GENERATE(table<char const*, char const*, control>(
        {{"SslAllow", "0", control::allow},
         {"SslRequire", "1", control::require},
         {"sslrequirecredentialsonly", " 2 ", control::require_credentials_only}}));
    for (std::string const value : {word, number}) {
        imported const done(in_sites(site("", "", "a.test") +
                                     "<siteDefaults><ftpServer><security><ssl "
                                     "controlChannelPolicy=\"" +
                                     value +
                                     "\" dataChannelPolicy=\"2\" />"
                                     "</security></ftpServer></siteDefaults>"));
        CHECK(done.faults == nothing);
        CHECK(done.left_out == nothing);
        CHECK(done.site().ssl.control_channel_policy == expected);
        CHECK(done.site().ssl.data_channel_policy == data_policy::deny);
    }
}

TEST_CASE("iis: validation flags are names or numbers, with commas or blanks", "[config][iis]") {
    validation_flags const all{true, true, true, true}, two{true, false, false, true};
    auto const [written, expected] = GENERATE_COPY(table<char const*, validation_flags>(
        {{"NoRevocationCheck,CertNoUsageCheck", two},
         {"NoRevocationCheck, CertNoUsageCheck", two},
         {"CertNoUsageCheck  norevocationcheck", two},
         {"9", two},
         {"1,8", two},
         {"15", all},
         {"NoRevocationCheck, CertChainRevocationCheckCacheOnly | CertChainCacheOnlyUrlRetrieval, 8", all},
         {"0", {}},
         {"", {}}}));
    auto const done =
        with("", std::string("<sslClientCertificates clientCertificatePolicy='1' validationFlags='") + written + "'/>");
    CHECK(done.faults == nothing);
    CHECK(done.left_out == nothing);
    CHECK(done.site().client_certificates.flags == expected);
    CHECK(done.site().client_certificates.policy == certificate_policy::allow);
}

TEST_CASE("iis: time spans and seconds", "[config][iis]") {
    auto const done =
        with("<connections unauthenticatedTimeout='45' controlChannelTimeout='00:05:00' dataChannelTimeout='90'/>",
             "<sslClientCertificates clientCertificatePolicy='CertRequire' revocationFreshnessTime='1.02:00:00'"
             " revocationUrlRetrievalTimeout='00:00:15.5'/>");
    CHECK(done.faults == nothing);
    CHECK(done.left_out == nothing);
    auto const& one = done.site();
    CHECK(one.limits.login_timeout == 45s);
    CHECK(one.limits.idle_timeout == 5min);
    CHECK(one.data.idle_timeout == 90s);
    CHECK(one.client_certificates.revocation_freshness_time == 26h);
    CHECK(one.client_certificates.revocation_url_retrieval_timeout == 15'500ms);
}

TEST_CASE("iis: limits, banner, commands, firewall", "[config][iis]") {
    auto const done = with(
        "<connections maxConnections='200'/><firewallSupport externalIp4Address='198.51.100.7'/>"
        "<messages bannerMessage='Hello \"there\" \\ &#252;' suppressDefaultBanner='true'/>",
        "<commandFiltering maxCommandLine='512'><add command='SYST' allowed='false'/>"
        "<add command='dele' allowed='false'/><add command='RETR' allowed='true'/></commandFiltering>");
    CHECK(done.faults == nothing);
    CHECK(done.left_out == nothing);
    auto const& one = done.site();
    CHECK(one.limits.sessions == 200);
    CHECK(one.limits.command_line == 512);
    CHECK(one.data.passive_address == "198.51.100.7");
    CHECK(one.banner == "Hello \"there\" \\ \xC3\xBC");
    CHECK(one.commands.deny == lines{"DELE", "SYST"});
    CHECK(one.commands.allow.empty());
}

TEST_CASE("iis: bans are for as long as IIS counts", "[config][iis]") {
    auto const limits = [](std::string const& attributes) {
        imported const banning(in_sites(site(), "<system.ftpServer><security><authentication><denyByFailure " +
                                                    attributes + "/></authentication></security></system.ftpServer>"));
        CHECK(banning.faults == nothing);
        return banning.site().limits;
    };
    auto const own = limits("enabled='true'");
    CHECK(own.ban_after == 4);
    CHECK(own.ban_window == 30s);
    CHECK(own.ban_time == 30s);
    auto const given = limits("enabled='true' maxFailure='7' entryExpiration='00:10:00'");
    CHECK(given.ban_after == 7);
    CHECK(given.ban_window == 10min);
    CHECK(given.ban_time == 10min);
    CHECK(limits("enabled='true' maxFailure='0' entryExpiration='00:00:00'").ban_after == 1);
    CHECK(limits("enabled='false'").ban_after == 0);
    CHECK(limits("enabled='true' loggingOnlyMode='true'").ban_after == 0);
    CHECK(limits("maxFailure='7'").ban_after == limits_settings().ban_after);
}

TEST_CASE("iis: unlisted commands denied become an allow list, never an empty one", "[config][iis]") {
    auto const list = [](std::string const& entries) {
        return with("", "<commandFiltering allowUnlisted='false'>" + entries + "</commandFiltering>");
    };
    auto const some =
        list("<add command='LIST' allowed='true'/><add command='PASV'/><add command='SITE' allowed='false'/>");
    CHECK(some.faults == nothing);
    CHECK(some.site().commands.allow == lines{"LIST", "PASV"});
    CHECK(some.site().commands.deny.empty());
    CHECK(list("").site().commands.allow == lines{"QUIT"});
    CHECK(list("<add command='SITE' allowed='false'/>").site().commands.allow == lines{"QUIT"});
}

TEST_CASE("iis: a site goes over siteDefaults, a location over the site", "[config][iis]") {
    std::string const defaults =
        "<siteDefaults><ftpServer><connections maxConnections='10' "
        "dataChannelTimeout='11'/><security><commandFiltering>"
        "<add command='SITE' allowed='false'/><add command='SYST' allowed='false'/></commandFiltering></security>"
        "</ftpServer></siteDefaults>";
    auto const own =
        site("<connections maxConnections='20' controlChannelTimeout='22'/>",
             "<commandFiltering><remove command='SYST'/><add command='DELE' allowed='false'/></commandFiltering>");
    std::string const location =
        "<location path='FTP.example.com'><ftpServer><connections controlChannelTimeout='33'/></ftpServer></location>"
        "<location path='other'><ftpServer><connections maxConnections='44'/></ftpServer></location>";
    imported const done(in_sites(own + defaults, location));
    CHECK(done.faults == nothing);
    CHECK(done.left_out == nothing);
    CHECK(done.site().limits.sessions == 20);
    CHECK(done.site().limits.idle_timeout == 33s);
    CHECK(done.site().data.idle_timeout == 11s);
    CHECK(done.site().commands.deny == lines{"DELE", "SITE"});
}

TEST_CASE("iis: passive ports are the server's, without those that something listens on", "[config][iis]") {
    auto const ports = [](std::string const& low, std::string const& high, std::string const& binding = "*:21:") {
        return imported(in_sites(site("", "", "ftp.example.com", binding),
                                 "<system.ftpServer><firewallSupport lowDataChannelPort='" + low +
                                     "' highDataChannelPort='" + high + "'/></system.ftpServer>"));
    };
    CHECK(ports("50000", "50999").site().data.passive_ports == port_range{50000, 50999});
    CHECK(ports("50000", "50999").left_out == nothing);
    CHECK(ports("0", "0").site().data.passive_ports == port_range{});
    CHECK(ports("0", "0").left_out == nothing);
    auto const cut = ports("5000", "20000", "*:6000:");
    CHECK(cut.faults == nothing);
    CHECK(cut.site().data.passive_ports == port_range{9922, 20000});
    CHECK(cut.left_out.size() == 1);
    for (auto const& odd :
         {ports("50999", "50000"), ports("0", "50000"), ports("80", "70000"), ports("9921", "9921")}) {
        CHECK(odd.faults == nothing);
        CHECK(odd.left_out.size() == 1);
        CHECK(odd.site().data.passive_ports == port_range{});
    }
}

TEST_CASE("iis: port 990 is implicit TLS", "[config][iis]") {
    imported const done(in_sites(
        "<site name='a.test'><bindings><binding protocol='ftp' bindingInformation='*:21:'/><binding protocol='ftp' "
        "bindingInformation='*:990:'/><binding protocol='http' "
        "bindingInformation='*:80:'/></bindings><ftpServer><security>"
        "<ssl serverCertHash='57'/><authentication><basicAuthentication "
        "enabled='true'/></authentication></security></ftpServer></site>"));
    CHECK(done.faults == nothing);
    REQUIRE(done.site().listen.size() == 2);
    CHECK(done.site().listen[0].tls == tls_mode::explicit_tls);
    CHECK(done.site().listen[1].tls == tls_mode::implicit_tls);
}

TEST_CASE("iis: a metrics port that a site wants is switched off", "[config][iis]") {
    imported const done(in_sites(site("", "", "a.test", "127.0.0.1:9921:")));
    CHECK(done.faults == nothing);
    CHECK_FALSE(done.values.metrics.listen);
}

TEST_CASE("iis: sites on one address, told apart by host names", "[config][iis]") {
    imported const done(in_sites(site("", "", "One", "*:21:one.example.com") +
                                 site("", "", "Two", "*:21:Two.example.com") + site("", "", "Rest", "*:21:") +
                                 site("", "", "Elsewhere", "192.0.2.1:2121:")));
    CHECK(done.faults == nothing);
    REQUIRE(done.values.sites.size() == 4);
    CHECK(done.site(0).name == "Rest");  // IIS gives it those who name no host, the gate the first
    CHECK(done.site(0).hosts == lines{"rest"});
    CHECK(done.site(1).name == "Elsewhere");
    CHECK(done.site(1).listen[0].address == endpoint{"192.0.2.1", 2121, {}});
    CHECK(done.site(2).hosts == lines{"one.example.com"});
    CHECK(done.site(3).hosts == lines{"two.example.com"});
    CHECK(done.left_out == nothing);
}

TEST_CASE("iis: bindings in all their forms", "[config][iis]") {
    auto const listens_on = [](std::string const& binding) {
        auto const& sites = imported(in_sites(site("", "", "a.test", binding))).values.sites;
        return sites.empty() ? "nothing"
                             : sites[0].listen[0].address.host + " " + std::to_string(sites[0].listen[0].address.port);
    };
    CHECK(listens_on("*:21:") == "0.0.0.0 21");
    CHECK(listens_on("*:21") == "0.0.0.0 21");
    CHECK(listens_on(":2121:") == "0.0.0.0 2121");
    CHECK(listens_on("192.0.2.1:21:ftp.test") == "192.0.2.1 21");
    CHECK(listens_on("[2001:DB8::1]:21:") == "2001:db8::1 21");
    CHECK(listens_on("[::]:21:ftp.test") == ":: 21");
    CHECK(listens_on("*:0:") == "nothing");
    CHECK(listens_on("*:70000:") == "nothing");
    CHECK(listens_on("[::1:21:") == "nothing");
    CHECK(listens_on("300.0.0.1:21:") == "nothing");
    CHECK(listens_on("") == "nothing");
}

TEST_CASE("iis: an address and the wildcard on the same port are two listeners, as the gate has them",
          "[config][iis]") {
    imported const done(in_sites(site("", "", "One", "*:21:") + site("", "", "Two", "192.0.2.1:21:")));
    REQUIRE(done.values.sites.size() == 2);
    CHECK(done.site(0).listen[0].address == endpoint{"0.0.0.0", 21, {}});
    CHECK(done.site(1).listen[0].address == endpoint{"192.0.2.1", 21, {}});
    CHECK(done.left_out == nothing);
}

TEST_CASE("iis: names that are no host names, and the same name twice", "[config][iis]") {
    imported const done(
        in_sites(site("", "", "Default FTP Site") + site("", "", "\xD0\xA4\xD0\xA2\xD0\x9F", "*:2121:") +
                 site("", "", "a &quot;b&quot;\\ c", "*:2122:") + site("", "", "default ftp site", "*:2123:") +
                 site("", "", "line&#10;&#13;&#1;&#127;end", "*:2124:") + site("", "", "", "*:2125:") +
                 site("", "", std::string(300, 'x'), "*:2126:") + site("", "", "a-.b..c-", "*:2127:")));
    CHECK(done.faults == nothing);
    REQUIRE(done.values.sites.size() == 8);
    CHECK(done.site(0).hosts == lines{"default-ftp-site"});
    CHECK(done.site(1).name == "\xD0\xA4\xD0\xA2\xD0\x9F");
    CHECK(done.site(2).name == "a \"b\"\\ c");
    CHECK(done.site(3).name == "default ftp site 2");
    CHECK(done.site(3).ssl.certificate != done.site(0).ssl.certificate);
    CHECK(done.site(4).name == "line    end");
    CHECK(done.site(5).name == "site-6");
    CHECK(done.site(6).name.size() == 240);
    CHECK(done.left_out.size() == 3);
}

TEST_CASE("iis: a part of the configuration, as appcmd prints it", "[config][iis]") {
    auto const sites = "<sites>" + site() + "</sites>";
    CHECK(imported(sites).values.sites.size() == 1);
    CHECK(imported("<system.applicationHost>" + sites + "</system.applicationHost>").values.sites.size() == 1);
    CHECK(imported(site()).site().name == "ftp.example.com");
}
