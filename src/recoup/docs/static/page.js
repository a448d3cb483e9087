// What script adds to pages that work without it.
import "./fresh.js";
import "./copy.js";
import "./languages.js";
import "./search.js";
import "./try.js";
