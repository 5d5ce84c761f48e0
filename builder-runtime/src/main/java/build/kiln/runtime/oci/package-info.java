/**
 * The OCI image specification as values: digest, reference, descriptor, platform, manifest, index,
 * image config. Parsed forms stand beside raw bytes, which are never serialised again on a copy.
 */
@NullMarked
package build.kiln.runtime.oci;

import org.jspecify.annotations.NullMarked;
