/**
 * Build checks: what a Dockerfile may say but better would not, by the rules and under the names
 * that BuildKit's checks have.
 */
@NullMarked
package build.kiln.runtime.check;

import org.jspecify.annotations.NullMarked;
