/**
 * The Dockerfile language: lexer, parser, typed instructions with source ranges, expansion, the
 * ignore file, checks. Knows nothing of images or files systems.
 */
@NullMarked
package build.kiln.runtime.dockerfile;

import org.jspecify.annotations.NullMarked;
