package build.kiln.runtime.oci;

import static com.fasterxml.jackson.core.JsonParser.Feature.AUTO_CLOSE_SOURCE;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationContext;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonDeserializer;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.JsonSerializer;
import com.fasterxml.jackson.databind.MapperFeature;
import com.fasterxml.jackson.databind.SerializerProvider;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.module.SimpleModule;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;

/**
 * JSON as registries and layouts have it: compact, fields in declared order, so that equal values
 * are equal bytes. Trees and what has a {@link JsonForm} are read and written without a mapper,
 * which takes a process a tenth of a second to set up.
 */
public final class Json {
  private static final JsonFactory FACTORY = new JsonFactory();

  /** Made when first used. */
  private static final class Mapper {
    static final JsonMapper ONE =
        JsonMapper.builder()
            .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
            .disable(MapperFeature.SORT_PROPERTIES_ALPHABETICALLY)
            .addModule(
                new Forms()
                    .with(Descriptor.class, Descriptor.JSON)
                    .with(Platform.class, Platform.JSON)
                    .with(Manifest.class, Manifest.JSON)
                    .with(Index.class, Index.JSON)
                    .with(ImageConfig.class, ImageConfig.JSON)
                    .with(ImageConfig.ContainerConfig.class, ImageConfig.ContainerConfig.JSON)
                    .with(ImageConfig.RootFs.class, ImageConfig.RootFs.JSON)
                    .with(ImageConfig.History.class, ImageConfig.History.JSON)
                    .with(ImageConfig.Healthcheck.class, ImageConfig.Healthcheck.JSON))
            .build();
  }

  /** The shared mapper, for all other types; never reconfigured. */
  public static JsonMapper mapper() {
    return Mapper.ONE;
  }

  /**
   * @throws JsonProcessingException if it is not JSON
   */
  public static JsonNode tree(byte[] bytes) throws IOException {
    try (JsonParser parser = FACTORY.createParser(bytes)) {
      return JsonTree.read(parser);
    }
  }

  /**
   * @param in is not closed
   * @throws JsonProcessingException if it is not JSON
   */
  public static JsonNode tree(InputStream in) throws IOException {
    try (JsonParser parser = FACTORY.createParser(in).disable(AUTO_CLOSE_SOURCE)) {
      return JsonTree.read(parser);
    }
  }

  /**
   * @throws JsonProcessingException if it is not JSON
   */
  public static JsonNode tree(String text) throws JsonProcessingException {
    try (JsonParser parser = FACTORY.createParser(text)) {
      return JsonTree.read(parser);
    } catch (JsonProcessingException e) {
      throw e;
    } catch (IOException e) {
      throw new UncheckedIOException("a text is in memory", e);
    }
  }

  /**
   * @throws OciException if the bytes are not this type's JSON; {@code what} names them in the
   *     message
   */
  public static <T> T read(byte[] bytes, JsonForm<T> form, String what) {
    JsonNode tree = tree(bytes, what);
    try {
      return form.read(tree, "");
    } catch (OciException e) {
      throw new OciException(what + " is not valid: " + e.getMessage(), e);
    }
  }

  /**
   * @throws OciException if the bytes are not JSON; {@code what} names them in the message
   */
  public static JsonNode tree(byte[] bytes, String what) {
    JsonNode tree;
    try {
      tree = tree(bytes);
    } catch (IOException e) {
      throw notValid(what, e);
    }
    if (tree.isMissingNode()) {
      throw new OciException(what + " is not valid: it is empty");
    }
    return tree;
  }

  /**
   * By the mapper.
   *
   * @throws OciException if the bytes are not this type's JSON; {@code what} names them in the
   *     message
   */
  public static <T> T read(byte[] bytes, Class<T> type, String what) {
    try {
      T value = mapper().readValue(bytes, type);
      if (value == null) {
        throw new OciException(what + ": is null");
      }
      return value;
    } catch (IOException e) {
      throw notValid(what, e);
    }
  }

  private static OciException notValid(String what, IOException cause) {
    String reason =
        cause instanceof JsonProcessingException j ? j.getOriginalMessage() : cause.getMessage();
    return new OciException(what + " is not valid: " + reason, cause);
  }

  /**
   * @throws OciException if it is nested deeper than JSON that can be read, or has Java objects
   */
  public static byte[] write(JsonNode json) {
    var bytes = new ByteArrayOutputStream(1024);
    try (JsonGenerator generator = FACTORY.createGenerator(bytes)) {
      JsonTree.write(json, generator);
    } catch (JsonProcessingException e) {
      throw new OciException("cannot be written as JSON: " + e.getOriginalMessage(), e);
    } catch (IOException e) {
      throw new UncheckedIOException("memory takes all", e);
    }
    return bytes.toByteArray();
  }

  public static <T> byte[] write(T value, JsonForm<T> form) {
    return write(form.write(value));
  }

  /** By the mapper. */
  public static byte[] write(Object value) {
    try {
      return mapper().writeValueAsBytes(value);
    } catch (JsonProcessingException e) {
      throw new OciException("cannot write " + value.getClass().getSimpleName() + " as JSON", e);
    }
  }

  private Json() {}

  /** What has a form has it wherever the mapper meets it. */
  private static final class Forms extends SimpleModule {
    <T> Forms with(Class<T> type, JsonForm<T> form) {
      addSerializer(type, new Writing<>(form));
      addDeserializer(type, new Reading<>(form));
      return this;
    }
  }

  /** The mapper's way to a form. */
  private static final class Writing<T> extends JsonSerializer<T> {
    private final JsonForm<T> form;

    Writing(JsonForm<T> form) {
      this.form = form;
    }

    @Override
    public void serialize(T value, JsonGenerator generator, SerializerProvider provider)
        throws IOException {
      form.write(value).serialize(generator, provider);
    }
  }

  /** The mapper's way from a form. */
  private static final class Reading<T> extends JsonDeserializer<T> {
    private final JsonForm<T> form;

    Reading(JsonForm<T> form) {
      this.form = form;
    }

    @Override
    public T deserialize(JsonParser parser, DeserializationContext context) throws IOException {
      return form.read(parser.readValueAsTree(), "");
    }
  }
}
