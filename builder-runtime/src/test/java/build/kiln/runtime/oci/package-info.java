/** Documents of images, and their JSON. Documents of images, and their JSON. */
@NullMarked
package build.kiln.runtime.oci;

import org.jspecify.annotations.NullMarked;
