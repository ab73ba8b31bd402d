// /sessions: a JSON array with one object a line, in portions, so that ten thousand sessions are never in memory at
// once.
//
//   [
//   {"id":"…","site":"…","client":"192.0.2.7:40312","user":"bob","backend":"10.0.0.5:21","tls_version":"TLSv1.3",
//    "tls_cipher":"TLS_AES_128_GCM_SHA256","state":"transfer","bytes":1048576,"seconds":1.204E1},
//   …
//   ]
//
// What is not known (yet) is null. Pure ASCII: whatever else a peer sent is escaped, so a terminal shows it safely and
// a parser gets it back; bytes that are not UTF-8 become the text \xXX.
#pragma once

#include "metrics/exposer.hpp"
#include "metrics/status.hpp"

#include <string>

namespace ftpsgate::metrics {

std::string to_json(session_row const& row);

/// The page as pieces.
piece_source sessions_as_json(row_source rows);

}  // namespace ftpsgate::metrics
