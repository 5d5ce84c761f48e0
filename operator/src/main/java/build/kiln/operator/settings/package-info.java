/**
 * What an installation decides, read once at start from a file. Every value is checked here, so
 * that the rest of the operator meets only good ones.
 */
@NullMarked
package build.kiln.operator.settings;

import org.jspecify.annotations.NullMarked;
