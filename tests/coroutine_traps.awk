# Forms that g++ 12 compiles into double frees when they stand in one full expression with co_await (DESIGN.md section
# 10). Prints FILE:LINE: rule. A statement is what stands between two semicolons, comments and strings taken out.

function report(rule) { print file ":" first ": " rule }

function end_statement(   rest) {
    if (match(statement, /co_await/)) {
        rest = substr(statement, RSTART)
        if (rest ~ /[{][ ]*[.][a-z_]/) report("co_await with an aggregate temporary {.member = ...}")
        if (rest ~ /[(,{][ ]*\[[^]]+\][ ]*([({]|mutable)/ || rest ~ /^co_await[ ]*\[[^]]+\][ ]*[({]/)
            report("co_await with a capturing lambda temporary")
        if (statement ~ /[?][^{}]*co_await/) report("co_await inside ?:")
        if (statement ~ /[A-Za-z0-9_>][{][^{}]*co_await/) report("aggregate initialised with an awaited part")
    }
    statement = ""
    first = 0
}

# Strings first: a // inside one is no comment.
function without_text(line,   at, end) {
    gsub(/\\./, "", line)
    gsub(/"[^"]*"/, "S", line)
    gsub(/'[^']*'/, "C", line)
    if (in_comment) {
        end = index(line, "*/")
        if (!end) return ""
        line = substr(line, end + 2)
        in_comment = 0
    }
    while ((at = match(line, /\/[*]|\/\//))) {
        if (substr(line, at, 2) == "//") return substr(line, 1, at - 1)
        end = index(substr(line, at + 2), "*/")
        if (!end) { in_comment = 1; return substr(line, 1, at - 1) }
        line = substr(line, 1, at - 1) " " substr(line, at + 2 + end + 1)
    }
    return line
}

FNR == 1 { end_statement(); file = FILENAME; in_comment = 0 }

{
    count = split(without_text($0), parts, ";")
    for (i = 1; i <= count; i++) {
        if (!first && parts[i] ~ /co_await/) first = FNR
        statement = statement " " parts[i]
        if (i < count) end_statement()
    }
}

END { end_statement() }
