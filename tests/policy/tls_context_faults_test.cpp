// What is wrong with files that the settings name: one problem each, at the place of the value.
#include "policy/tls_context.hpp"
#include "tests/support/test_pki.hpp"

#include <catch2/catch.hpp>

using namespace ftpsgate;
using policy::build_tls_context;

namespace {

struct pair_files {
    config::problems faults() {
        config::tls_settings settings;
        settings.certificate.push_back({certificate, {"gate.toml", 11, 3}});
        settings.private_key.push_back({key, {"gate.toml", 12, 3}});
        settings.ocsp_staple_file = staple;
        auto const built = build_tls_context(settings, "ftp");
        CHECK((built.faults.empty() || built.contexts.empty()));
        return built.faults;
    }

    /// The one fault there is must be at this line, of this key, and say this.
    void expect(std::uint32_t line, std::string const& name, std::string const& words) {
        auto const found = faults();
        REQUIRE(found.size() == 1);
        CHECK(found[0].where.file == "gate.toml");
        CHECK(found[0].where.line == line);
        CHECK(found[0].key == "site[ftp].ssl." + name);
        CHECK_THAT(found[0].message, Catch::Contains(words));
    }

    test::temporary_folder folder;
    test::test_authority root;
    test::identity leaf = root.issue({});
    std::string certificate = folder.write("cert.pem", leaf.certificate_pem());
    std::string key = folder.write("key.pem", leaf.key_pem());
    std::optional<config::file_path> staple;
};

}  // namespace

TEST_CASE("tls_context: the files of these tests are good before they are spoilt", "[policy][tls_context]") {
    CHECK(pair_files().faults().empty());
}

TEST_CASE("tls_context: files that cannot be read", "[policy][tls_context]") {
    pair_files files;
    SECTION("certificate missing") {
        files.certificate = "/nonexistent/cert.pem";
        files.expect(11, "certificate", "cannot read /nonexistent/cert.pem: No such file");
    }
    SECTION("key missing") {
        files.key = "/nonexistent/key.pem";
        files.expect(12, "private_key", "cannot read /nonexistent/key.pem: No such file");
    }
    SECTION("a folder") {
        files.certificate = files.folder.path();
        files.expect(11, "certificate", "not a regular file");
    }
    SECTION("too large") {
        files.certificate = files.folder.write("big", std::string(2'000'000, 'x'));
        files.expect(11, "certificate", "larger than 1 MiB");
    }
}

TEST_CASE("tls_context: both files of a pair are reported", "[policy][tls_context]") {
    pair_files files;
    files.certificate = "/nonexistent/cert.pem";
    files.key = "/nonexistent/key.pem";
    CHECK(files.faults().size() == 2);
}

TEST_CASE("tls_context: files that are no certificate", "[policy][tls_context]") {
    pair_files files;
    SECTION("empty") {
        files.certificate = files.folder.write("empty", "");
        files.expect(11, "certificate", "no PEM certificate");
    }
    SECTION("a key instead") {
        files.certificate = files.key;
        files.expect(11, "certificate", "no PEM certificate");
    }
    SECTION("damaged base64") {
        auto pem = files.leaf.certificate_pem();
        pem.replace(100, 4, "????");
        files.certificate = files.folder.write("damaged", pem);
        files.expect(11, "certificate", "malformed PEM certificate");
    }
    SECTION("damaged second certificate") {
        auto second = files.root.certificate_pem();
        second.replace(100, 4, "????");
        files.certificate = files.folder.write("damaged", files.leaf.certificate_pem() + second);
        files.expect(11, "certificate", "malformed PEM certificate");
    }
    SECTION("PEM of something else inside") {
        files.certificate =
            files.folder.write("other", "-----BEGIN CERTIFICATE-----\nMAMCAQE=\n-----END CERTIFICATE-----\n");
        files.expect(11, "certificate", "malformed PEM certificate");
    }
}

TEST_CASE("tls_context: keys that cannot be used", "[policy][tls_context]") {
    pair_files files;
    auto const use = [&](test::identity const& who) {
        files.certificate = files.folder.write("cert", who.certificate_pem());
        files.key = files.folder.write("key", who.key_pem());
    };
    SECTION("of another certificate") {
        files.key = files.folder.write("key", files.root.issue({}).key_pem());
        files.expect(12, "private_key", "does not belong to the certificate");
    }
    SECTION("of another kind") {
        files.key = files.folder.write("key", files.root.issue({.key = test::key_kind::rsa_2048}).key_pem());
        files.expect(12, "private_key", "does not belong to the certificate");
    }
    SECTION("of a certificate that is not the first") {
        files.certificate = files.folder.write("cert", files.root.certificate_pem() + files.leaf.certificate_pem());
        files.expect(12, "private_key", "must be the first");
    }
    SECTION("a certificate instead") {
        files.key = files.certificate;
        files.expect(12, "private_key", "no PEM private key");
    }
    SECTION("damaged") {
        files.key = files.folder.write("key", "-----BEGIN PRIVATE KEY-----\nMAMCAQE=\n-----END PRIVATE KEY-----\n");
        files.expect(12, "private_key", "malformed PEM private key");
    }
    SECTION("RSA of 1024 bits") {
        use(files.root.issue({.key = test::key_kind::rsa_1024}));
        files.expect(12, "private_key", "this has 1024");
    }
    SECTION("Ed25519") {
        use(files.root.issue({.key = test::key_kind::ed25519}));
        files.expect(12, "private_key", "only ECDSA and RSA");
    }
    SECTION("encrypted") {
        bssl::UniquePtr<BIO> bio(BIO_new(BIO_s_mem()));
        char password[] = "secret";
        REQUIRE(PEM_write_bio_PrivateKey(bio.get(), files.leaf.key.get(), EVP_aes_128_cbc(),
                                         reinterpret_cast<std::uint8_t*>(password), 6, nullptr, nullptr) == 1);
        std::uint8_t const* data = nullptr;
        std::size_t size = 0;
        BIO_mem_contents(bio.get(), &data, &size);
        files.key = files.folder.write("key", {reinterpret_cast<char const*>(data), size});
        files.expect(12, "private_key", "is encrypted");
    }
}

TEST_CASE("tls_context: a P-384 key is good", "[policy][tls_context]") {
    pair_files files;
    auto const who = files.root.issue({.key = test::key_kind::ecdsa_p384});
    files.certificate = files.folder.write("cert", who.certificate_pem());
    files.key = files.folder.write("key", who.key_pem());
    CHECK(files.faults().empty());
}

TEST_CASE("tls_context: keys and certificates must be as many", "[policy][tls_context]") {
    pair_files files;
    config::tls_settings settings;
    settings.certificate.push_back({files.certificate, {"gate.toml", 11, 3}});
    auto const built = build_tls_context(settings, "ftp");
    REQUIRE(built.faults.size() == 1);
    CHECK(built.faults[0].where.line == 11);
    config::tls_settings reverse;
    reverse.private_key.push_back({files.key, {"gate.toml", 12, 3}});
    CHECK(build_tls_context(reverse, "ftp").faults.size() == 1);
}

TEST_CASE("tls_context: OCSP responses that cannot be used", "[policy][tls_context]") {
    pair_files files;
    auto const put = [&](std::string const& bytes) {
        files.staple = config::file_path{files.folder.write("staple", bytes), {"gate.toml", 13, 3}};
    };
    SECTION("missing") {
        files.staple = config::file_path{"/nonexistent/staple", {"gate.toml", 13, 3}};
        files.expect(13, "ocsp_staple_file", "cannot read");
    }
    SECTION("no DER") {
        put("OCSP");
        files.expect(13, "ocsp_staple_file", "not an OCSP response in DER");
    }
    SECTION("bytes behind it") {
        put(std::string("\x30\x00x", 3));
        files.expect(13, "ocsp_staple_file", "not an OCSP response in DER");
    }
    SECTION("of another certificate") {
        put(std::string("\x30\x00", 2));
        files.expect(13, "ocsp_staple_file", "tells of none of the certificates");
    }
}
