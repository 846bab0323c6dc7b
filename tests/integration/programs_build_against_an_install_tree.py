"""Installs into a fresh folder; a program outside the tree builds with pkg-config and with CMake, and learns XOR."""
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../support"))
import lockstep

BUILD = os.path.dirname(lockstep.PROGRAM)
PREFIX = lockstep.path("prefix")
SOURCE = os.path.join(os.path.dirname(__file__), "install", "xor.c")


def run(*words, **extra):
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          env={**os.environ, **extra})
    lockstep.check(done.returncode == 0, f"{' '.join(words)}\n{done.stdout}")
    return done.stdout


with open(SOURCE) as file:
    lines = len(file.readlines())
lockstep.check(lines <= 40, f"xor.c has {lines} lines: a program must stay possible in 40")
run("cmake", "--install", BUILD, "--prefix", PREFIX)
libraries = os.path.dirname(subprocess.run(["find", PREFIX, "-name", "liblockstep.so"], capture_output=True,
                                           text=True).stdout.strip())
flags = run("pkg-config", "--cflags", "--libs", "--define-variable=prefix=" + PREFIX, "lockstep",
            PKG_CONFIG_PATH=os.path.join(libraries, "pkgconfig")).split()
program = lockstep.path("xor")
run("cc", "-std=c17", "-D_GNU_SOURCE", "-Wall", "-Werror", SOURCE, "-o", program, *flags)
lockstep.equal(run(program, LD_LIBRARY_PATH=libraries).strip(), "4 of 4 right", "xor by pkg-config")

os.makedirs(lockstep.path("project"))
with open(lockstep.path("project", "CMakeLists.txt"), "w") as file:
    file.write(f"""cmake_minimum_required(VERSION 3.22)
project(xor C)
find_package(Lockstep REQUIRED)
add_executable(xor {SOURCE})
target_compile_definitions(xor PRIVATE _GNU_SOURCE)
target_link_libraries(xor PRIVATE Lockstep::lockstep)
""")
run("cmake", "-G", "Ninja", "-S", lockstep.path("project"), "-B", lockstep.path("project", "build"),
    "-DCMAKE_PREFIX_PATH=" + PREFIX)
run("cmake", "--build", lockstep.path("project", "build"))
lockstep.equal(run(lockstep.path("project", "build", "xor")).strip(), "4 of 4 right", "xor by CMake")
installed = run(os.path.join(PREFIX, "bin", "lockstep"), "--version")
lockstep.check("lockstep" in installed, installed)
pages = run("find", os.path.join(PREFIX, "share"), "-name", "lockstep.1").split()
lockstep.check(len(pages) == 1 and pages[0].endswith("/man/man1/lockstep.1"), f"manual pages: {pages}")
with open(pages[0]) as file:
    page = file.read().replace("\\-", "-").replace("\\&", "").replace("\\e", "\\")
for words in ((), ("train",), ("config",), ("exit-codes",)):
    lockstep.check(lockstep.call("help", *words).stdout in page, f"the manual page lacks what help {' '.join(words)} says")
