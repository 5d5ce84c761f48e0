/**
 * The Kubernetes API of Kiln, group {@code kiln.build}, version {@code v1alpha1}. Records that
 * Jackson and fabric8 read and write; the CRD manifests beside this module's {@code pom.xml} are
 * generated from them.
 */
@NullMarked
package build.kiln.api.v1alpha1;

import org.jspecify.annotations.NullMarked;
