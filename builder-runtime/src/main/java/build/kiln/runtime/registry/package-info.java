/**
 * The distribution client: manifests and blobs in and out of registries, authentication, mirrors,
 * and the configuration people know from docker. An embedded registry lives in registry.embedded.
 *
 * <p>{@link build.kiln.runtime.registry.RegistryClient} is the way in. Below it, from the wire up:
 * {@code HttpTransport} (one HTTP exchange), {@code Redirects}, {@code Authenticator} (401s and
 * tokens), {@code Requester} (retries, limits), and one small class an endpoint of the
 * specification.
 *
 * <p>Below that is the package {@code http}, HTTP/1.1 of our own. With HttpClient 5 in its place,
 * 50 small images took a process 1.15 times as long to copy: its three hundred classes and the
 * calls of one request through them are run for the first time. HttpURLConnection knows no PATCH,
 * loses an answer that comes before the upload's end, and does not let us see the address it
 * connects to, which the rules on where a server may send us need; java.net.http moved blobs four
 * times slower.
 */
@NullMarked
package build.kiln.runtime.registry;

import org.jspecify.annotations.NullMarked;
