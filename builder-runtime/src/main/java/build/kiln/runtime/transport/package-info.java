/**
 * Brings images from one kind of place to another: registries, OCI layouts, archives, the local
 * store. Manifests stay the same bytes, but for docker's older archives, which have none.
 */
@NullMarked
package build.kiln.runtime.transport;

import org.jspecify.annotations.NullMarked;
