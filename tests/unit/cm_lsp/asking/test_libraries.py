import time

import pytest

from cm_lsp.asking import libraries

CODE = {
    "python": ("import os, httpx.client\nfrom sqlalchemy.orm import Session\nfrom . import own\n'''\nimport no\n'''\n# import no\n", "os httpx sqlalchemy"),
    "typescript": ("// import no from 'no'\nimport type { X } from '@scope/pkg/deep'\nimport a from './own'\nimport fs = require('node:fs')\nconst b = await import(\"react\")\nexport * from 'zod/v4'\nimport 'side-effect'\n/* require('no') */\n", "@scope/pkg fs react zod side-effect"),
    "javascript": ("const _ = require('lodash')\nconst own = require('../own')\n", "lodash"),
    "go": ('package main\n\nimport (\n\t"fmt"\n\tgin "github.com/gin-gonic/gin/binding"\n\t// "no"\n)\nimport "net/http"\n', "fmt github.com/gin-gonic/gin net/http"),
    "rust": ("use serde::{Serialize, de};\nuse std::io;\nuse crate::own;\npub use tokio::net::TcpStream;\nextern crate rand;\n// use no::x;\n", "serde tokio rand"),
    "java": ("package own.a;\nimport java.util.List;\nimport static org.junit.Assert.*;\nimport org.springframework.boot.App;\n", "org.junit org.springframework"),
    "kotlin": ("import kotlinx.coroutines.launch\nimport io.ktor.client.*\n", "kotlinx.coroutines io.ktor"),
    "csharp": ("using System.Linq;\nusing Newtonsoft.Json.Linq;\nusing (var f = G()) {}\n", "Newtonsoft.Json"),
    "cpp": ('#include <boost/asio.hpp>\n#include "own.h"\n#include <curl/curl.h>\n/* #include <no.h> */\n', "boost curl"),
    "ruby": ("require 'rails/all'\nrequire_relative 'own'\n# require 'no'\n", "rails"),
    "php": ("<?php\nuse Illuminate\\Support\\Str;\nuse App\\Own;\n", "Illuminate"),
    "dart": ("import 'package:flutter/material.dart';\nimport 'dart:async';\nimport 'own.dart';\n", "flutter"),
    "elixir": ("  use Ecto.Schema\n  alias Phoenix.Socket\n", "Ecto Phoenix"),
    "lua": ("local x = require('socket.http')\nlocal y = require \"cjson\"\n-- require 'no'\n", "socket cjson"),
    "r": ("library(ggplot2)\nx <- tidyr::pivot(y)\n", "ggplot2 tidyr"),
    "julia": ("using DataFrames\nimport HTTP\n", "DataFrames HTTP"),
    "haskell": ("import qualified Data.Map as M\nimport Control.Monad\n", "Data.Map Control.Monad"),
    "perl": ("use strict;\nuse Moose::Role;\n", "Moose::Role"),
    "swift": ("import Foundation\n@testable import Vapor\n", "Foundation Vapor"),
}  # fmt: skip


@pytest.mark.parametrize("language", sorted(CODE))
def test_libraries_are_the_imports_in_their_order_without_comments_and_own_files(
    language: str,
) -> None:
    text, expected = CODE[language]
    assert libraries.imported(language, text) == tuple(expected.split())


def test_broken_python_still_names_its_imports() -> None:
    broken = (
        'import httpx\nfrom django.db import models\n"""import no\n"""\ndef f(:\n    return (\n'
    )
    assert libraries.imported("python", broken) == ("httpx", "django")


@pytest.mark.parametrize(
    "text", ["", "\0", "(" * 50_000, "import " * 9_000, "import \ud800", "x = '\\d'\nimport re\n"]
)
def test_no_text_breaks_the_search_for_libraries(text: str) -> None:
    for language in (*CODE, "vue", "unknown"):
        assert isinstance(libraries.imported(language, text), tuple)


def test_each_library_is_named_once_and_relative_imports_never() -> None:
    assert libraries.imported("python", "import a\nimport a.b\nfrom ..own import c\n") == ("a",)


@pytest.mark.parametrize("language", sorted(CODE))
@pytest.mark.parametrize("hostile", ["/*\n", "import\n", "<"])
def test_no_text_holds_the_editor_up(language: str, hostile: str) -> None:
    begin = time.thread_time_ns()
    libraries.imported(language, hostile * 60_000)
    assert time.thread_time_ns() - begin < 5 * libraries.READ_MS_MAX * 1_000_000
