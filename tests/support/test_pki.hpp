// Certificates for tests, made at run time: nothing is stored, so nothing expires and no key is in the repository.
//
// Usage: test_authority root; auto leaf = root.issue({.names = {"ftp.example"}}); leaf.certificate_pem() + ...
// Here: what servers need. Certificates with every kind of content and defect: test_certificate.hpp. CRLs and OCSP
// answers: test_revocation.hpp.
#pragma once

#include <openssl/base.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace ftpsgate::test {

enum class key_kind { ecdsa_p256, ecdsa_p384, rsa_2048, rsa_1024, ed25519, ecdsa_p521 };

/// RSA keys are made once per process and kind, as making them is slow; two certificates may share one.
bssl::UniquePtr<EVP_PKEY> make_key(key_kind kind);

/// A certificate with its private key.
struct identity {
    bssl::UniquePtr<X509> certificate;
    bssl::UniquePtr<EVP_PKEY> key;

    std::string certificate_pem() const;
    std::string key_pem() const;
    /// Another reference to the same.
    identity share() const { return {bssl::UpRef(certificate), bssl::UpRef(key)}; }
};

struct leaf_request {
    std::vector<std::string> names{"localhost"};  ///< the first is the common name, all are DNS names of the SAN
    key_kind key = key_kind::ecdsa_p256;
    int days_left = 30;  ///< negative: expired
};

/// Signs with P-256 and SHA-256.
class test_authority {
public:
    explicit test_authority(std::string const& name = "Test Root");
    /// What make_certificate() of test_certificate.hpp made, whether it is fit to be an authority or not.
    explicit test_authority(identity own) : own_(std::move(own)) {}

    identity issue(leaf_request const& request) const;
    test_authority intermediate(std::string const& name) const;

    identity const& own() const { return own_; }
    /// As openssl's -CAfile wants it.
    std::string certificate_pem() const { return own_.certificate_pem(); }

private:
    identity own_;
};

/// A context that serves this identity with the library's defaults. For tests of what comes after policy.
bssl::UniquePtr<SSL_CTX> make_server_context(identity const& who);

/// A folder that goes away with the object.
class temporary_folder {
public:
    temporary_folder();
    ~temporary_folder();
    temporary_folder(temporary_folder const&) = delete;
    temporary_folder& operator=(temporary_folder const&) = delete;

    std::string const& path() const { return path_; }
    /// Returns the file's path.
    std::string write(std::string const& name, std::string const& content) const;

private:
    std::string path_;
};

}  // namespace ftpsgate::test
