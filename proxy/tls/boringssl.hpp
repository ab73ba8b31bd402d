// The only way to <openssl/...> for proxy/: BoringSSL's headers, never OpenSSL's of the same names.
#pragma once

#include <openssl/base.h>
#ifndef OPENSSL_IS_BORINGSSL
#error "OpenSSL's headers were found first; ftpsgate needs BoringSSL's (see CMakeLists.txt, FTPSGATE_BORINGSSL_ROOT)"
#endif
#include <openssl/aead.h>
#include <openssl/bio.h>
#include <openssl/bytestring.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hkdf.h>
#include <openssl/pem.h>
#include <openssl/pool.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
