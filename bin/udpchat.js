#!/usr/bin/env node
require("../dist/bin/bin.js");
