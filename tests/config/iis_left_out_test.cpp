// import-iis, what has no counterpart: a note with its place, a comment where it belongs, and nobody let in whom IIS
// keeps out.
#include "tests/config/iis_support.hpp"

#include <catch2/catch.hpp>

#include <algorithm>

using namespace ftpsgate::config;
using Catch::Contains;

namespace {

lines const nothing;

/// "security/ssl" and its content -> nested elements.
std::string nested(std::string const& path, std::string const& inner) {
    if (path.empty()) return inner;
    auto const slash = path.find('/');
    auto const name = path.substr(0, slash);
    return "<" + name + ">" + nested(slash == path.npos ? "" : path.substr(slash + 1), inner) + "</" + name + ">";
}

/// A location of the site, which goes over all else, with this fragment below <ftpServer>.
imported over(std::string const& path, std::string const& inner) {
    return imported(in_sites(
        site(), "<location path='ftp.example.com'><ftpServer>" + nested(path, inner) + "</ftpServer></location>"));
}

enum class fate { taken, left_out, no_need };

/// The section that it stands in, and the element.
std::vector<std::tuple<char const*, char const*, fate>> const attributes{
    {"security", "ssl controlChannelPolicy='SslAllow'", fate::taken},
    {"security", "ssl dataChannelPolicy='SslDeny'", fate::taken},
    {"security", "ssl serverCertHash='aa'", fate::taken},
    {"security", "ssl serverCertStoreName='MY'", fate::taken},
    {"security", "ssl ssl128='true'", fate::no_need},
    {"security", "sslClientCertificates clientCertificatePolicy='CertAllow'", fate::taken},
    {"security", "sslClientCertificates validationFlags='1'", fate::taken},
    {"security", "sslClientCertificates revocationFreshnessTime='00:01:00'", fate::taken},
    {"security", "sslClientCertificates revocationUrlRetrievalTimeout='00:00:10'", fate::taken},
    {"security", "sslClientCertificates useActiveDirectoryMapping='true'", fate::left_out},  // nobody is asked
    {"security/authentication", "anonymousAuthentication enabled='false'", fate::no_need},
    {"security/authentication", "anonymousAuthentication enabled='true' userName='bob'", fate::left_out},
    {"security/authentication", "anonymousAuthentication enabled='true' password='x'", fate::left_out},
    {"security/authentication", "anonymousAuthentication enabled='true' logonMethod='Batch'", fate::left_out},
    {"security/authentication", "anonymousAuthentication enabled='true' logonMethod='ClearText'", fate::no_need},
    {"security/authentication", "anonymousAuthentication enabled='true' defaultLogonDomain='D'", fate::left_out},
    {"security/authentication", "basicAuthentication enabled='true'", fate::no_need},
    {"security/authentication", "basicAuthentication defaultLogonDomain='D'", fate::left_out},
    {"security/authentication", "basicAuthentication logonMethod='0'", fate::left_out},
    {"security/authentication", "clientCertAuthentication enabled='true'", fate::left_out},
    {"security/authentication/customAuthentication/providers", "add name='AspNetAuth'", fate::left_out},
    {"security/authentication/customAuthentication/providers", "add name='A' enabled='false'", fate::no_need},
    {"security/authentication", "denyByFailure enabled='true'", fate::taken},
    {"security/authentication", "denyByFailure enabled='true' maxFailure='5'", fate::taken},
    {"security/authentication", "denyByFailure enabled='true' entryExpiration='00:01:00'", fate::taken},
    {"security/authentication", "denyByFailure enabled='true' loggingOnlyMode='true'", fate::left_out},
    {"security/authentication", "denyByFailure maxFailure='9'", fate::no_need},
    {"security/authentication", "denyByFailure enabled='false'", fate::taken},
    {"", "connections unauthenticatedTimeout='31'", fate::taken},
    {"", "connections controlChannelTimeout='31'", fate::taken},
    {"", "connections dataChannelTimeout='31'", fate::taken},
    {"", "connections maxConnections='31'", fate::taken},
    {"", "connections minBytesPerSecond='240'", fate::left_out},
    {"", "connections resetOnMaxConnections='true'", fate::left_out},
    {"", "connections resetOnMaxConnections='false'", fate::no_need},
    {"", "connections serverListenBacklog='60'", fate::left_out},
    {"", "connections disableSocketPooling='true'", fate::no_need},
    {"", "connections maxBandwidth='1'", fate::left_out},
    {"", "firewallSupport externalIp4Address='192.0.2.1'", fate::taken},
    {"", "firewallSupport lowDataChannelPort='5000' highDataChannelPort='5009'", fate::taken},
    {"security", "dataChannelSecurity matchClientAddressForPort='false'", fate::left_out},
    {"security", "dataChannelSecurity matchClientAddressForPasv='false'", fate::left_out},
    {"security", "dataChannelSecurity matchClientAddressForPasv='true'", fate::no_need},
    {"security", "commandFiltering maxCommandLine='1000'", fate::taken},
    {"security", "commandFiltering allowUnlisted='false'", fate::taken},
    {"security/commandFiltering", "add command='SITE' allowed='false'", fate::taken},
    {"security/commandFiltering", "add command='not a verb' allowed='false'", fate::left_out},
    {"security", "requestFiltering allowHighBitCharacters='false'", fate::left_out},
    {"security/requestFiltering", "fileExtensions allowUnlisted='false'", fate::left_out},
    {"security/requestFiltering/fileExtensions", "add fileExtension='.exe' allowed='false'", fate::left_out},
    {"security/requestFiltering/hiddenSegments", "add segment='_vti_bin'", fate::left_out},
    {"security/requestFiltering/denyUrlSequences", "add sequence='..'", fate::left_out},
    {"security/requestFiltering", "requestLimits maxAllowedContentLength='1'", fate::left_out},
    {"security/requestFiltering", "requestLimits maxUrl='1'", fate::left_out},
    {"security", "ipSecurity allowUnlisted='false'", fate::left_out},
    {"security", "ipSecurity allowUnlisted='true'", fate::no_need},
    {"security", "ipSecurity enableReverseDns='true'", fate::left_out},
    {"security/ipSecurity", "add ipAddress='192.0.2.0' subnetMask='255.255.255.0' allowed='false'", fate::left_out},
    {"security/authorization", "add accessType='Allow' users='*' permissions='Read, Write'", fate::no_need},
    {"security/authorization", "add accessType='Allow' users='*' permissions='Read'", fate::left_out},
    {"security/authorization", "add accessType='Deny' users='*' permissions='Read, Write'", fate::left_out},
    {"security/authorization", "add accessType='Allow' roles='staff' permissions='Read, Write'", fate::left_out},
    {"security/customAuthorization", "provider name='a'", fate::left_out},
    {"", "messages bannerMessage='hello'", fate::taken},
    {"", "messages greetingMessage='hello'", fate::left_out},
    {"", "messages exitMessage='bye'", fate::left_out},
    {"", "messages maxClientsMessage='full'", fate::left_out},
    {"", "messages bannerMessage='%SiteName%' expandVariables='true'", fate::left_out},
    {"", "messages suppressDefaultBanner='true'", fate::no_need},
    {"", "messages allowLocalDetailedErrors='true'", fate::left_out},
    {"", "logFile enabled='false'", fate::left_out},
    {"", "logFile directory='x'", fate::left_out},
    {"", "logFile period='Daily'", fate::left_out},
    {"", "logFile truncateSize='1048576'", fate::left_out},
    {"", "logFile selectiveLogging='LogError'", fate::left_out},
    {"", "logFile logExtFileFlags='Date'", fate::left_out},
    {"", "logFile localTimeRollover='true'", fate::left_out},
    {"", "log centralLogFileMode='Site'", fate::left_out},
    {"", "log logInUTF8='false'", fate::left_out},
    {"log", "centralLogFile enabled='true'", fate::left_out},
    {"", "userIsolation mode='StartInUsersDirectory'", fate::left_out},
    {"", "userIsolation mode='4'", fate::no_need},
    {"userIsolation", "activeDirectory adUserName='a' adPassword='b'", fate::left_out},
    {"", "fileHandling allowReadUploadsInProgress='true'", fate::left_out},
    {"", "fileHandling allowReplaceOnRename='true'", fate::left_out},
    {"", "fileHandling keepPartialUploads='true'", fate::left_out},
    {"", "directoryBrowse showFlags='StyleUnix'", fate::left_out},
    {"", "directoryBrowse virtualDirectoryTimeout='5'", fate::left_out},
    {"serverRuntime", "hostNameSupport useDomainNameAsHostName='true'", fate::left_out},
    {"serverRuntime", "hostNameSupport useDomainNameAsHostName='false'", fate::no_need},
    {"caching", "credentialsCache flushInterval='5'", fate::left_out},
    {"caching", "credentialsCache enabled='true'", fate::left_out},
    {"caching", "credentialsCache enabled='false' flushInterval='5'", fate::no_need},
    {"customFeatures/providers", "add name='x'", fate::left_out},
    {"providerDefinitions", "add name='x' type='y'", fate::no_need},
    {"sessions", "session sessionId='1'", fate::no_need},
    {"", "connections colour='red'", fate::left_out},
    {"", "colours red='1'", fate::left_out},
    {"security", "colours red='1'", fate::left_out},
};

}  // namespace

TEST_CASE("iis: every attribute is taken, left out with a note, or needs nothing (IIS.md c.1 to c.4)",
          "[config][iis]") {
    static std::string const plain = imported(in_sites(site())).from.toml;
    auto const [path, element, expected] = GENERATE(from_range(attributes));
    CAPTURE(path, element);
    auto const done = over(path, std::string("<") + element + "/>");
    CHECK(done.faults == nothing);
    CHECK(done.left_out.size() == (expected == fate::left_out ? 1 : 0));
    if (expected == fate::taken) CHECK(done.from.toml != plain);
    if (expected == fate::no_need) CHECK(done.from.toml == plain);
    if (expected != fate::left_out) return;
    CHECK(done.from.left_out[0].where.line == 4);
    CHECK(done.says("# LEFT OUT (line 4): "));
}

TEST_CASE("iis: attributes of the site itself", "[config][iis]") {
    auto const with = [](std::string const& attribute) {
        auto text = site();
        return imported(in_sites(text.replace(text.find("<ftpServer>"), 11, "<ftpServer " + attribute + ">")));
    };
    for (std::string const same : {"allowUTF8='true'", "serverAutoStart='true'", "state='1'", "lastStartupStatus='0'"})
        CHECK(with(same).left_out == nothing);
    for (std::string const other : {"allowUTF8='false'", "serverAutoStart='false'"})
        CHECK(with(other).left_out.size() == 1);
}

TEST_CASE("iis: notes have a place, stand in the section where they belong, and are said once", "[config][iis]") {
    imported const done(
        in_sites(site("", "", "one") + "\n" + site("", "", "two", "*:2121:") +
                     "<siteDefaults><ftpServer>\n<connections minBytesPerSecond='500'/></ftpServer></siteDefaults>",
                 "<system.ftpServer>\n<log centralLogFileMode='Site'/></system.ftpServer>"));
    CHECK(done.faults == nothing);
    REQUIRE(done.left_out.size() == 2);
    CHECK(done.left_out[0] ==
          "6:14: warning: connections: minBytesPerSecond=\"500\": slow transfers may go on as long "
          "as they move");
    CHECK_THAT(done.left_out[1], Contains("8:6: warning: log: centralLogFileMode=\"Site\""));
    auto const& toml = done.from.toml;
    auto const in_data = "[site.data]\nidle_timeout = \"30s\"\n# LEFT OUT (line 6): connections: minBytesPerSecond";
    CHECK(toml.find(in_data) != toml.rfind(in_data));
    CHECK(toml.find("[log]\n# LEFT OUT (line 8): log: centralLogFileMode") < toml.find("[[site]]"));
    CHECK(toml.find("centralLogFileMode") == toml.rfind("centralLogFileMode"));
}

TEST_CASE("iis: what a stronger layer overrides or removes is not noted", "[config][iis]") {
    std::string const server =
        "<system.ftpServer><userIsolation mode='1'/><security><ipSecurity><add ipAddress='192.0.2.1' allowed='true'/>"
        "<add ipAddress='192.0.2.2' allowed='true'/></ipSecurity></security></system.ftpServer>";
    std::string const location =
        "<location path='ftp.example.com'><system.ftpServer><userIsolation mode='None'/><security><ipSecurity>"
        "<remove ipAddress='192.0.2.1'/></ipSecurity></security></system.ftpServer></location>";
    imported const done(in_sites(site(), server + location));
    REQUIRE(done.left_out.size() == 1);
    CHECK_THAT(done.left_out[0], Contains("192.0.2.2"));
    CHECK(imported(in_sites(site(), server)).left_out.size() == 3);
}

TEST_CASE("iis: settings of folders are left to the backend", "[config][iis]") {
    imported const done(in_sites(site(),
                                 "<location path='ftp.example.com/up'><system.ftpServer/></location>"
                                 "<location path='ftp.example.com.other/up'><system.ftpServer/></location>"));
    REQUIRE(done.left_out.size() == 1);
    CHECK_THAT(done.left_out[0], Contains("\"ftp.example.com/up\""));
}

TEST_CASE("iis: passwords come out nowhere", "[config][iis]") {
    auto const done = imported(
        in_sites(site("<userIsolation><activeDirectory adUserName='u' adPassword='s3cret'/></userIsolation>",
                      "<authentication><anonymousAuthentication enabled='true' password='s3cret'/></authentication>")));
    auto const again = over("security/authentication", "<anonymousAuthentication enabled='true' password='s3cret'/>");
    for (auto const& one : {done, again}) {
        CHECK_FALSE(one.left_out.empty());
        CHECK_FALSE(one.says("s3cret"));
        for (auto const& line : one.left_out)
            CHECK_THAT(line, !Contains("s3cret"));
    }
}

TEST_CASE("iis: values that IIS would not take leave the strictest", "[config][iis]") {
    auto const done = over("security",
                           "<ssl controlChannelPolicy='SslMaybe' dataChannelPolicy='3'/>"
                           "<sslClientCertificates clientCertificatePolicy='Cert' validationFlags='1,NoCheck,16'/>"
                           "<commandFiltering maxCommandLine='many' allowUnlisted='perhaps'/>");
    CHECK(done.faults == nothing);
    CHECK(done.left_out.size() == 6);
    CHECK(done.site().ssl.control_channel_policy == control_policy::require);
    CHECK(done.site().ssl.data_channel_policy == data_policy::require);
    CHECK(done.site().client_certificates.policy == certificate_policy::require);
    CHECK(done.site().client_certificates.flags == validation_flags{true, false, false, false});
}

TEST_CASE("iis: numbers beyond what the gate takes come as close as they can", "[config][iis]") {
    auto const done =
        over("",
             "<connections unauthenticatedTimeout='0' controlChannelTimeout='100000' maxConnections='0' "
             "dataChannelTimeout='-5'/><security><commandFiltering maxCommandLine='1'/>"
             "<sslClientCertificates revocationFreshnessTime='400.00:00:00' "
             "revocationUrlRetrievalTimeout='0'/></security><firewallSupport externalIp4Address='0.0.0.0'/>");
    CHECK(done.faults == nothing);
    CHECK(done.left_out.size() == 8);
    CHECK(done.site().limits.login_timeout == 30s);
    CHECK(done.site().limits.idle_timeout == 24h);
    CHECK(done.site().data.idle_timeout == 30s);
    CHECK(done.site().limits.sessions == 1);
    CHECK(done.site().limits.command_line == 128);
    CHECK(done.site().client_certificates.revocation_freshness_time == 365 * 24h);
    CHECK(done.site().data.passive_address.empty());
}

TEST_CASE("iis: virtual directories, no FTP site, FTP settings without a binding", "[config][iis]") {
    auto text = site();
    text.replace(text.find("<bindings>"), 0,
                 "<application path='/'><virtualDirectory path='/' physicalPath='c:\\a'/>"
                 "<virtualDirectory path='/b' physicalPath='d:\\b'/></application>");
    imported const folders(in_sites(text));
    REQUIRE(folders.left_out.size() == 1);
    CHECK_THAT(folders.left_out[0], Contains("\"/b\" from \"d:\\b\""));
    CHECK(folders.says("c:\\a"));

    auto const none =
        import_iis(in_sites("<site name='web'><bindings><binding protocol='http' bindingInformation='*:80:'/>"
                            "</bindings></site>"),
                   "a");
    CHECK(none.faults.empty());
    CHECK(none.left_out.size() == 1);
    CHECK(none.toml.find("[[site]]") == std::string::npos);

    auto const unbound = import_iis(in_sites(site("", "", "a.test", "*:ftp:") + site()), "a");
    CHECK(unbound.left_out.size() == 2);
    CHECK(unbound.toml.find("\"a.test\"") != std::string::npos);
    CHECK(unbound.toml.find("name = \"a.test\"") == std::string::npos);
}
