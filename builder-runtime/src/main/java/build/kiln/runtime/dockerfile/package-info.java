/**
 * The Dockerfile language: lexer, parser, typed instructions with source ranges, expansion, the
 * stage graph, the ignore file. Knows nothing of images or file systems.
 *
 * <p>The way of a text: {@link build.kiln.runtime.dockerfile.Dockerfile#parse} reads lines into
 * {@link build.kiln.runtime.dockerfile.Node}s and those into {@link
 * build.kiln.runtime.dockerfile.Instruction}s with unexpanded {@link
 * build.kiln.runtime.dockerfile.Word}s; {@link build.kiln.runtime.dockerfile.StageGraph} says which
 * stages a target needs; {@link build.kiln.runtime.dockerfile.Expansion} replaces variables one
 * instruction at a time, when the environment it sees is known. BuildKit's Dockerfile front end 1.x
 * is the arbiter of what a text means.
 */
@NullMarked
package build.kiln.runtime.dockerfile;

import org.jspecify.annotations.NullMarked;
