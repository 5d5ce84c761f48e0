package build.kiln.runtime.oci;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.MapperFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;

/**
 * JSON as registries and layouts have it: compact, fields in declared order, so that equal values
 * are equal bytes.
 */
public final class Json {
  private static final JsonMapper MAPPER =
      JsonMapper.builder()
          .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
          .disable(MapperFeature.SORT_PROPERTIES_ALPHABETICALLY)
          .build();

  /** The shared mapper; never reconfigured. */
  public static JsonMapper mapper() {
    return MAPPER;
  }

  /**
   * @throws OciException if the bytes are not this type's JSON; {@code what} names them in the
   *     message
   */
  public static <T> T read(byte[] bytes, Class<T> type, String what) {
    try {
      T value = MAPPER.readValue(bytes, type);
      if (value == null) {
        throw new OciException(what + ": is null");
      }
      return value;
    } catch (IOException e) {
      String reason =
          e instanceof JsonProcessingException j ? j.getOriginalMessage() : e.getMessage();
      throw new OciException(what + " is not valid: " + reason, e);
    }
  }

  public static byte[] write(Object value) {
    try {
      return MAPPER.writeValueAsBytes(value);
    } catch (JsonProcessingException e) {
      throw new OciException("cannot write " + value.getClass().getSimpleName() + " as JSON", e);
    }
  }

  private Json() {}
}
