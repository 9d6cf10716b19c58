"""The one extension, and the readme as an index shows it; everything else is in pyproject.toml.

Switches, from the environment, each on where it is not empty:

    NDSTREAM_SANITIZE   address and undefined-behaviour sanitizers
    NDSTREAM_COVERAGE   gcov counters for the lines and branches of the .pxi files
    NDSTREAM_DEBUG      no optimisation, all symbols
    NDSTREAM_FUZZ       the edges that are taken are told to libFuzzer; needs clang
"""

import os
import re
import sys
from pathlib import Path

from setuptools import setup

# Behind setuptools, which has to replace distutils first.
from Cython.Distutils.extension import Extension  # isort: skip

sanitize, coverage, debug, fuzz = (
    bool(os.environ.get(f"NDSTREAM_{switch}")) for switch in ("SANITIZE", "COVERAGE", "DEBUG", "FUZZ")
)

compile_args: list[str] = []
link_args: list[str] = []
if sys.platform != "win32":
    compile_args += ["-Wall", "-Wextra", "-Wconversion"]
    compile_args += ["-O0", "-g3"] if debug or coverage else ["-O1" if sanitize else "-O3"]
    # Where it was built is no part of what was built: two builds of one source are the same bytes.
    compile_args += [f"-ffile-prefix-map={Path.cwd()}=."]
if sys.platform == "linux" and not (debug or coverage or sanitize or fuzz):
    # Calls of the interpreter without a stub between: 2 to 4 % less where each chunk holds one line or event.
    compile_args += ["-fno-plt", "-fno-semantic-interposition"]
    # The helpers of a step become one function. In an extension of this size GCC's limits leave them apart, and
    # entering and leaving a function ten times for a frame is a quarter of what the core does for it.
    compile_args += ["--param=inline-unit-growth=300", "--param=max-inline-insns-single=600"]
    # Python's own options add symbols for debuggers, which would be five sixths of a wheel.
    compile_args += ["-g0"]
if sanitize:
    compile_args += ["-fsanitize=address,undefined", "-fno-omit-frame-pointer", "-g"]
    link_args += ["-fsanitize=address,undefined"]
if fuzz:
    compile_args += ["-fsanitize=fuzzer-no-link", "-g"]
if coverage:
    compile_args += ["--coverage"]
    link_args += ["--coverage"]

REPOSITORY = "https://github.com/ndstream/ndstream"


def readme() -> str:
    """README.md with links that lead somewhere from an index too: to the files of this version."""
    [version] = re.findall(r'^version = "(.*)"$', Path("pyproject.toml").read_text("utf-8"), re.MULTILINE)
    text = Path("README.md").read_text("utf-8")
    text = re.sub(r"(!\[[^\]]*\]\()(?!https?:)", rf"\1{REPOSITORY}/raw/v{version}/", text)
    return re.sub(r"(\]\()(?!https?:|#)", rf"\1{REPOSITORY}/blob/v{version}/", text)


setup(
    long_description=readme(),
    long_description_content_type="text/markdown",
    ext_modules=[
        Extension(  # type: ignore[no-untyped-call]
            "ndstream._core",
            ["src/_core.pyx"],
            depends=sorted(map(str, Path("src").glob("*.pxi"))),
            include_dirs=["src"],
            # Two things that Cython offers crash where memory runs out: looking up the C line of a traceback, and
            # making an object from keyword arguments without a dict between.
            define_macros=[("CYTHON_CLINE_IN_TRACEBACK", "0"), ("CYTHON_VECTORCALL_TPNEW", "0")],
            extra_compile_args=compile_args,
            extra_link_args=link_args,
            # The sdist carries these sources, never generated C.
            cython_c_in_temp=True,
            cython_line_directives=coverage or debug,
        )
    ],
)
