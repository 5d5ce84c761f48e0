package build.kiln.runtime.dockerfile;

import org.jspecify.annotations.Nullable;

/**
 * A flag as written before an instruction's arguments.
 *
 * @param name without the dashes, as written
 * @param value what stands after the equals sign, without quotes; null if there is none
 * @param range dashes, name and value
 */
record Flag(String name, @Nullable Word value, SourceRange range) {}
