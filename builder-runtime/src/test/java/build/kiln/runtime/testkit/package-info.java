/**
 * What tests of images need, here and in the operator: random images that are valid, and a
 * validator that says what is wrong with one.
 */
@NullMarked
package build.kiln.runtime.testkit;

import org.jspecify.annotations.NullMarked;
