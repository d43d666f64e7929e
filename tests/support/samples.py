"""Sample values in JSON, and texts that are not JSON."""

import pytest

#: aiohttp's client would rather have a file; what it warns of does not matter here.
large_body = pytest.mark.filterwarnings("ignore:Sending a large body:ResourceWarning")


NUMBERS = [
    "0",
    "-0",
    "1",
    "-1",
    "1.0",
    "-0.0",
    "1.10",
    "1e5",
    "1E5",
    "1e+05",
    "1E+400",
    "-1e-400",
    "0.1e-300",
    "3.141592653589793",
    "3.14159265358979323846264338327950288",
    "0.1",
    "9007199254740993",
    "9223372036854775807",
    "-9223372036854775808",
    "18446744073709551616",
    "123456789012345678901234567890",
    "-123456789012345678901234567890",
    "9" * 5000,
]


STRINGS = [
    '""',
    '"text"',
    '" "',
    r'"\u0041"',
    r'"\u00e9"',
    r'"\u00E9"',
    '"é"',
    '"e\u0301"',
    r'"\/"',
    '"/"',
    r'"\ud83d\ude00"',
    r'"\uD83D\uDE00"',
    '"😀"',
    r'"\u0000"',
    r'"a\u0000b"',
    r'"\b\f\n\r\t\"\\"',
    r'"\u000a\u0022\u005c"',
    r'"\\ud800"',
    '"\x7f"',
    '"\u2028\u2029\ufeff\uffff\U0010ffff"',
]


CONTAINERS = [
    "[]",
    "{}",
    "[[]]",
    "[{}]",
    '{"":{}}',
    "[null,true,false]",
    '{"b":1,"a":2,"b":3}',
    '{"z":1,"a":{"z":[1,2],"a":null}}',
    '{"a":1,"\\u0061":2}',
    "[ 1 ,\t2,\r\n3 ]",
    '{ "a" : 1 ,\n  "b" : [ ] , "c" : { } }',
    '"a value that looks like JSON: {\\"data\\":{}}"',
]


VALUES = ["null", "true", "false", *NUMBERS, *STRINGS, *CONTAINERS]


NOT_VALUES = {
    "nothing": b"",
    "NaN": b"NaN",
    "Infinity": b"Infinity",
    "minus-Infinity": b"-Infinity",
    "nested-NaN": b"[[NaN]]",
    "trailing-comma-in-array": b"[1,]",
    "trailing-comma-in-object": b'{"a":1,}',
    "unclosed": b"[1",
    "wrong-bracket": b"[1}",
    "no-member": b'{"a"}',
    "leading-zero": b"01",
    "leading-point": b".5",
    "trailing-point": b"1.",
    "plus": b"+1",
    "minus": b"-",
    "empty-exponent": b"1e",
    "hex": b"0x10",
    "True": b"True",
    "undefined": b"undefined",
    "single-quotes": b"'x'",
    "comment": b"1//",
    "line-break-in-string": b'"a\nb"',
    "control-character": b'"\x01"',
    "bad-escape": rb'"\x41"',
    "short-escape": rb'"\u00"',
    "high-surrogate": rb'"\ud800"',
    "high-surrogate-before-text": rb'"\ud800abc"',
    "low-surrogate": rb'"\udc00"',
    "swapped-surrogates": rb'"\udc00\ud800"',
    "nested-surrogate": rb'[{"a":["\ud83d"]}]',
    "surrogate-in-nested-name": rb'{"\ud800":1}',
    "UTF-8": b'"\xff"',
    "cut-UTF-8": b'"\xe2\x82"',
    "overlong-UTF-8": b'"\xc0\xaf"',
    "surrogate-bytes": b'"\xed\xa0\x80"',
    "beyond-Unicode": b'"\xf4\x90\x80\x80"',
    "nested-UTF-8": b'{"a":["\xff"]}',
    "UTF-8-in-nested-name": b'{"\xff":1}',
    "no-break-space": b"\xc2\xa01",
}


def named(bodies: dict[str, bytes]) -> pytest.MarkDecorator:
    """A parameter `body` with these values."""
    return pytest.mark.parametrize("body", bodies.values(), ids=bodies.keys())


#: Each accepts gzip, and prefers it to anything else that the service has.
ACCEPTS_GZIP = [
    ("gzip",),
    ("GZip",),
    ("x-gzip",),
    ("X-GZIP;Q=0.3",),
    ("gzip;q=1.000",),
    ("gzip;q=1.",),
    ("gzip;q=0.001",),
    ("gzip \t;\t q=0.5 ",),
    ("gzip, deflate",),
    ("br;q=1, gzip;q=0.8, compress",),
    ("deflate,, gzip,",),
    ("deflate", "gzip"),
    ("gzip;q=0.5, zstd;q=0",),
    ("gzip;q=0.5, *;q=0",),
    ("gzip;q=0.8, zstd;q=0.2",),
    ("zstd;q=0, *;q=0.1",),
    ("gzip, identity",),
    ("gzip;q=0.5, identity;q=0.5",),
    ("gzip;q=0.5, identity;q=0.1",),
    ("gzip, identity;q=0",),
    ("not-gzip;q=0, gzip",),
]


#: Each accepts what the service prefers.
ACCEPTS_ANY = [
    ("*",),
    ("*;q=0.5",),
    ("gzip, zstd",),
    ("zstd, gzip, br",),
    ("gzip;q=0.7, zstd;q=0.7",),
    ("gzip, deflate, br, zstd",),
    ("gzip", "zstd"),
    ("identity;q=0, *",),
    ("br;q=0, *;q=0.1",),
]


#: Each accepts nothing that the service has, prefers no coding, or is malformed.
ACCEPTS_NOTHING = [
    (),
    ("",),
    (",",),
    ("identity",),
    ("deflate, br",),
    ("gzip;q=0",),
    ("x-gzip;q=0",),
    ("GZIP;Q=0.000",),
    ("gzip;q=0, deflate",),
    ("gzip;q=0, zstd;q=0, *",),
    ("*;q=0",),
    ("gzip;q=0", "br"),
    ("gzip, gzip;q=0",),
    ("gzip;q=0, x-gzip",),
    ("identity, gzip;q=0.5",),
    ("identity, *;q=0.5",),
    ("gzip;q=0.2, zstd;q=0.2, identity;q=0.3",),
    ("gzipped, not-gzip, x-zstd",),
    ("gzip;q=",),
    ("gzip;q=2",),
    ("gzip;q=-1",),
    ("gzip;q=1.1",),
    ("gzip;q=0.5555",),
    ("gzip;q=nan",),
    ("gzip;q=0.\u0665",),
    ("gzip;level=9",),
    ("gzip deflate",),
    ("gzip;q=1;q=0",),
    ('"gzip"',),
    ("gzip, br;q=x",),
    ("gzip, " + "a, " * 5000,),
]
