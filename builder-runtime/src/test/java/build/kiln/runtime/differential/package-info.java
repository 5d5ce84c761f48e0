/**
 * Kiln against BuildKit: a corpus of Dockerfiles with contexts, each built by both, and the images
 * compared entry by entry and field by field. What may differ is a table in docs/dockerfile.md.
 */
@NullMarked
package build.kiln.runtime.differential;

import org.jspecify.annotations.NullMarked;
