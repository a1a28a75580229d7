package dev.sluice.cli;

import dev.sluice.control.config.ConfigFile;

/** Placeholder. */
final class Training { static final String NAME="train"; private Training(){} static void main(String[] a) throws Exception { ConfigFile.load(java.nio.file.Path.of(a[0])); } }
