#include "config/toml_reader.hpp"
#include "tests/config/scratch.hpp"

#include <catch2/catch.hpp>

using namespace ftpsgate::config;

namespace {

enum class colour { red, dark_green };

struct inner_sample {
    int depth = 3;
    std::string label = "none";
};

struct sample {
    int count = 7;
    bool on = false;
    milliseconds wait = 5s;
    std::size_t bytes = 100;
    colour paint = colour::red;
    std::string must;
    std::vector<std::string> words = {"x"};
    std::vector<std::string> hosts;
    inner_sample inner;
    std::vector<inner_sample> rows;
};

void read_inner(section& in, inner_sample& out) {
    in.optional("depth", out.depth, number{-5, 5});
    in.optional("label", out.label, text{5});
}

void read_sample(section& in, sample& out) {
    in.optional("count", out.count, number{0, 10});
    in.optional("on", out.on, flag{});
    in.optional("wait", out.wait, duration{1ms, 1min});
    in.optional("bytes", out.bytes, byte_count{10, 1024});
    in.optional("paint", out.paint, one_of<colour>{{"red", colour::red}, {"dark-green", colour::dark_green}});
    in.required("must", out.must, text{});
    in.list("words", out.words, verb_name{});
    in.one_or_list("hosts", out.hosts, host_name{});
    in.table("inner", out.inner, read_inner);
    in.required_tables("rows", out.rows, read_inner);
}

/// The required keys are there, so that only what a case is about shows up.
struct read_text {
    sample values;
    document source;

    explicit read_text(std::string const& toml) : source(toml + "\nmust = 'm'\nrows = [ {} ]\n", "f") {
        if (source.is_parsed()) source.read(values, read_sample);
    }
    lines faults() const { return rendered(source.faults()); }
};

lines faults_of(std::string const& toml) {
    return read_text(toml).faults();
}

lines raw_faults_of(std::string const& toml) {
    sample values;
    document source(toml, "f");
    if (source.is_parsed()) source.read(values, read_sample);
    return rendered(source.faults());
}

}  // namespace

TEST_CASE("reader: absent keys leave the default", "[config][reader]") {
    read_text const result("");
    CHECK(result.faults().empty());
    CHECK(result.values.count == 7);
    CHECK(result.values.words == lines{"x"});
    CHECK(result.values.inner.depth == 3);
}

TEST_CASE("reader: values of every shape arrive", "[config][reader]") {
    read_text const result(
        "count = 10\non = true\nwait = '250ms'\nbytes = '1KiB'\npaint = 'dark-green'\n"
        "words = ['a', 'b']\nhosts = 'One'\ninner = { depth = -5, label = 'abcde' }\n");
    CHECK(result.faults().empty());
    CHECK(result.values.count == 10);
    CHECK(result.values.on);
    CHECK(result.values.wait == 250ms);
    CHECK(result.values.bytes == 1024);
    CHECK(result.values.paint == colour::dark_green);
    CHECK(result.values.words == lines{"A", "B"});
    CHECK(result.values.hosts == lines{"one"});
    CHECK(result.values.inner.depth == -5);
    CHECK(result.values.inner.label == "abcde");
}

TEST_CASE("reader: a wrong kind of value is reported at the value", "[config][reader]") {
    auto const [toml, expected] = GENERATE(table<char const*, char const*>({
        {"count = '5'", "f:1:9: error: count: must be an integer, not a string"},
        {"count = 5.0", "f:1:9: error: count: must be an integer, not a float"},
        {"  count =\t1979-05-27", "f:1:11: error: count: must be an integer, not a date"},
        {"on = 1", "f:1:6: error: on: must be true or false, not an integer"},
        {"wait = 30", "f:1:8: error: wait: must be a duration like \"30s\", not an integer"},
        {"bytes = true", "f:1:9: error: bytes: must be bytes, as an integer or like \"64KiB\", not a boolean"},
        {"paint = 1", "f:1:9: error: paint: must be \"red\" or \"dark-green\", not an integer"},
        {"words = 'a'", "f:1:9: error: words: must be a list, [ ... ], not a string"},
        {"words = ['a',\n  2]", "f:2:3: error: words[1]: must be an FTP verb, not an integer"},
        {"hosts = 2", "f:1:9: error: hosts: must be a host name, not an integer"},
        {"hosts = [['a']]", "f:1:10: error: hosts[0]: must be a host name, not an array"},
        {"inner = 5", "f:1:9: error: inner: must be a table, not an integer (write [inner])"},
        {"inner.label = { a = 1 }", "f:1:15: error: inner.label: must be a string, not a table"},
    }));
    CHECK(faults_of(toml) == lines{expected});
}

TEST_CASE("reader: a value out of range is reported with the range", "[config][reader]") {
    auto const [toml, expected] = GENERATE(table<char const*, char const*>({
        {"count = -1", "f:1:9: error: count: must be between 0 and 10, not -1"},
        {"count = 11", "f:1:9: error: count: must be between 0 and 10, not 11"},
        {"count = 4294967296", "f:1:9: error: count: must be between 0 and 10, not 4294967296"},
        {"wait = '0s'", "f:1:8: error: wait: must be between 1ms and 1m, not 0ms"},
        {"wait = '61s'", "f:1:8: error: wait: must be between 1ms and 1m, not 61s"},
        {"bytes = 9", "f:1:9: error: bytes: must be between 10B and 1KiB, not 9B"},
        {"bytes = -9", "f:1:9: error: bytes: must not be negative"},
        {"bytes = '2KiB'", "f:1:9: error: bytes: must be between 10B and 1KiB, not 2KiB"},
        {"inner.label = 'abcdef'", "f:1:15: error: inner.label: must not be longer than 5 bytes"},
        {"inner.label = ''", "f:1:15: error: inner.label: must not be empty"},
        {"inner.label = \"a\\nb\"", "f:1:15: error: inner.label: must not contain control characters"},
        {"paint = 'blue'", "f:1:9: error: paint: must be \"red\" or \"dark-green\", not \"blue\""},
        {"paint = 'Red'",
         "f:1:9: error: paint: must be \"red\" or \"dark-green\", not \"Red\" (did you mean \"red\"?)"},
    }));
    CHECK(faults_of(toml) == lines{expected});
}

TEST_CASE("reader: a faulty value leaves the default", "[config][reader]") {
    CHECK(read_text("count = 11").values.count == 7);
    CHECK(read_text("wait = '61s'").values.wait == 5s);
}

TEST_CASE("reader: elements keep their index behind a faulty one", "[config][reader]") {
    read_text const result("words = ['a', 'no verb', 'c']");
    CHECK(result.faults().size() == 1);
    CHECK(result.values.words == lines{"A", "", "C"});
}

TEST_CASE("reader: unknown keys are all reported, each at the key", "[config][reader]") {
    CHECK(raw_faults_of(
              "cuont = 1\nmust = 'm'\nrows = [ {} ]\ninner = { depht = 1, zzz = 2 }\n[weird.deeper]\n x = 1\n") ==
          lines{"f:1:1: error: cuont: unknown key (did you mean \"count\"?)",
                "f:4:11: error: inner.depht: unknown key (did you mean \"depth\"?)",
                "f:4:22: error: inner.zzz: unknown key (known here: depth, label)",
                "f:5:2: error: weird: unknown key (known here: count, on, wait, bytes, paint, must, words, hosts, "
                "inner, rows)"});
}

TEST_CASE("reader: unknown keys in tables of lists carry the index", "[config][reader]") {
    CHECK(raw_faults_of("must = 'm'\n[[rows]]\n[[rows]]\n lable = 'x'\n") ==
          lines{"f:4:2: error: rows[1].lable: unknown key (did you mean \"label\"?)"});
    CHECK(raw_faults_of("must = 'm'\nrows = [ { depth = 1 },\n  { deep = 1, depth = 9 } ]\n") ==
          lines{"f:3:5: error: rows[1].deep: unknown key (known here: depth, label)",
                "f:3:23: error: rows[1].depth: must be between -5 and 5, not 9"});
}

TEST_CASE("reader: a key in the wrong section is told where it belongs", "[config][reader]") {
    CHECK(faults_of("depth = 1") == lines{"f:1:1: error: depth: unknown key (it belongs in [inner], [rows])"});
}

TEST_CASE("reader: required keys that are missing are reported at their section", "[config][reader]") {
    CHECK(raw_faults_of("") ==
          lines{"f:1:1: error: must: is missing", "f:1:1: error: rows: is missing (write [[rows]])"});
}

TEST_CASE("reader: a mistyped required key is one fault", "[config][reader]") {
    CHECK(raw_faults_of("rows = [{}]\nmsut = 'm'\n") ==
          lines{"f:2:1: error: msut: unknown key (did you mean \"must\"?)"});
}

TEST_CASE("reader: a section of the wrong kind is one fault", "[config][reader]") {
    CHECK(raw_faults_of("must = 'm'\n[rows]\nbogus = 1\n") ==
          lines{"f:2:1: error: rows: must be a list of tables, not a table (write [[rows]])"});
    CHECK(raw_faults_of("must = 'm'\nrows = []\n") == lines{"f:2:8: error: rows: must not be empty (write [[rows]])"});
    CHECK(raw_faults_of("must = 'm'\nrows = [ {}, 5 ]\n") ==
          lines{"f:2:14: error: rows[1]: must be a table, not an integer (write { ... })"});
    CHECK(raw_faults_of("must = 'm'\n[[rows]]\n[[inner]]\ndepth = 99\n") ==
          lines{"f:3:1: error: inner: must be a table, not an array (write [inner])"});
}

TEST_CASE("reader: faults come in file order", "[config][reader]") {
    CHECK(faults_of("zz = 1\non = 5\nbytes = 5\ncount = 99\naa = 1\n").size() == 5);
    auto const faults = read_text("zz = 1\non = 5\nbytes = 5\ncount = 99\naa = 1\n").source.faults();
    for (std::size_t at = 0; at < faults.size(); ++at)
        CHECK(faults[at].where.line == at + 1);
}

TEST_CASE("reader: the index knows positions, defaults, faults and known keys", "[config][reader]") {
    read_text const result("count = 7\nbytes = 200\non = 3\ninner.depth = 3\n");
    auto const& keys = result.source.keys();
    CHECK(keys.has("count"));
    CHECK(keys.is_default("count"));
    CHECK_FALSE(keys.is_default("bytes"));
    CHECK(keys.is_default("inner.depth"));
    CHECK_FALSE(keys.has("wait"));
    CHECK(keys.is_sound("count"));
    CHECK_FALSE(keys.is_sound("on"));
    CHECK(keys.where("bytes").line == 2);
    CHECK(keys.where("inner.label").line == 4);  // absent: its section
    CHECK(keys.where("nowhere.at.all").line == 1);
    CHECK(keys.known().contains("rows.depth"));
}

TEST_CASE("reader: a fault spoils the sections around it and the values inside it, not its neighbours",
          "[config][reader]") {
    key_index keys("f");
    keys.note_fault("site[1].ssl.certificate[0]");
    for (auto const* const touched : {"site[1]", "site[1].ssl.certificate", "site[1].ssl.certificate[0]"})
        CHECK_FALSE(keys.is_sound(touched));
    for (auto const* const apart : {"site[0]", "site[1].name", "site[1].ssl.certificate[1]", "site[10]"})
        CHECK(keys.is_sound(apart));
    keys.note_fault("site[0]");
    CHECK_FALSE(keys.is_sound("site[0].ssl.certificate"));
}
