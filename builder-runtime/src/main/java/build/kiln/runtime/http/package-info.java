/**
 * HTTP/1.1 as a client speaks it (RFC 9110, RFC 9112), over connections that are kept. Blocking; an
 * interrupt of the thread that waits ends its exchange. It follows no redirect, knows no
 * credentials but a proxy's, no cookies and no compression: what a registry sends is what its
 * digest covers.
 *
 * <p>{@link build.kiln.runtime.http.ConnectionPool} is the way in. A {@link
 * build.kiln.runtime.http.Dialer} opens a {@link build.kiln.runtime.http.Connection} to a {@link
 * build.kiln.runtime.http.Route}, which carries one {@link build.kiln.runtime.http.Request} after
 * the other; a {@link build.kiln.runtime.http.Response} gives it back when it is closed.
 *
 * <p>It is Kiln's own because commands live for a second: a library that does all of HTTP is three
 * hundred classes and some thousand calls a request, most of them run for the first time.
 */
@NullMarked
package build.kiln.runtime.http;

import org.jspecify.annotations.NullMarked;
