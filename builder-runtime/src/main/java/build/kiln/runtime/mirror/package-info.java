/** Copies sets of images between registries, byte for byte. */
@NullMarked
package build.kiln.runtime.mirror;

import org.jspecify.annotations.NullMarked;
