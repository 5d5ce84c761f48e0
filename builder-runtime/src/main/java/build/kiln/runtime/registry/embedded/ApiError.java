package build.kiln.runtime.registry.embedded;

import java.util.Map;

/** An answer of the distribution API that is an error (distribution-spec 1.1, "Error codes"). */
final class ApiError extends Exception {
  final int status;
  final String code;
  final Map<String, String> headers;

  ApiError(int status, String code, String message) {
    this(status, code, message, Map.of());
  }

  ApiError(int status, String code, String message, Map<String, String> headers) {
    super(message);
    this.status = status;
    this.code = code;
    this.headers = Map.copyOf(headers);
  }
}
