/**
 * The distribution client: manifests and blobs in and out of registries, authentication, mirrors,
 * and the configuration people know from docker. An embedded registry lives in registry.embedded.
 *
 * <p>{@link build.kiln.runtime.registry.RegistryClient} is the way in. Below it, from the wire up:
 * {@code HttpTransport} (one HTTP exchange), {@code Redirects}, {@code Authenticator} (401s and
 * tokens), {@code Requester} (retries, limits), and one small class an endpoint of the
 * specification.
 *
 * <p>The HTTP library is Apache HttpClient 5 classic. Measured over loopback with bodies of 500 MB
 * (GET, PUT, first request of a new JVM): HttpClient 5 3.4 to 6.7 GB/s, 1.6 GB/s, 220 ms;
 * HttpURLConnection 3.3 to 7.3 GB/s, 1.8 to 4.3 GB/s, 28 ms; java.net.http 0.7 GB/s, 1.5 to 2.4
 * GB/s, 240 ms (with an AOT cache 115, 18 and 110 ms). HttpURLConnection starts fastest, but knows
 * no PATCH, loses an answer that comes before the upload's end, and does not let us see the address
 * it connects to, which the rules on where a server may send us need.
 */
@NullMarked
package build.kiln.runtime.registry;

import org.jspecify.annotations.NullMarked;
