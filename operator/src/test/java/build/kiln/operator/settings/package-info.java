/** Tests of the installation's settings. */
@NullMarked
package build.kiln.operator.settings;

import org.jspecify.annotations.NullMarked;
