/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The little of the kernel's own library that wire/ and recovery/ use, for
 * userspace.  Every header in linux/ beside this file leads here.
 *
 * A WARN_ON() aborts: in a test it is a failure.  Allocations come from
 * malloc(), so the sanitizers see them, and fail on request: see
 * kshim_fail_alloc.
 */
#ifndef KSHIM_H
#define KSHIM_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/types.h>

/* types */
typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
/* long long, as in the kernel: printk formats expect it */
typedef __u64 u64;
typedef __s8 s8;
typedef __s16 s16;
typedef __s32 s32;
typedef __s64 s64;
typedef s64 ktime_t;

#define U8_MAX		((u8)~0U)
#define U16_MAX		((u16)~0U)
#define U32_MAX		((u32)~0U)
#define U64_MAX		((u64)~0ULL)
#define S32_MAX		((s32)(U32_MAX >> 1))
#define S64_MAX		((s64)(U64_MAX >> 1))
#define S64_MIN		((s64)(-S64_MAX - 1))

/* compiler */
#define likely(x)	__builtin_expect(!!(x), 1)
#define unlikely(x)	__builtin_expect(!!(x), 0)
#define fallthrough	__attribute__((__fallthrough__))
#undef __always_inline
#define __always_inline	inline __attribute__((__always_inline__))
#define noinline	__attribute__((__noinline__))
#define __maybe_unused	__attribute__((__unused__))
#define __must_check	__attribute__((__warn_unused_result__))
#define __packed	__attribute__((__packed__))
#define __aligned(x)	__attribute__((__aligned__(x)))
#define __init
#define __exit
#define __read_mostly
#define __ro_after_init
#define __rcu
#define READ_ONCE(x)	(*(const volatile __typeof__(x) *)&(x))
#define WRITE_ONCE(x, v) (*(volatile __typeof__(x) *)&(x) = (v))
#define barrier()	__asm__ __volatile__("" : : : "memory")
#define BUILD_BUG_ON(c)	_Static_assert(!(c), #c)
#ifndef static_assert
#define static_assert(c, ...) _Static_assert(c, #c)
#endif

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define sizeof_field(t, m) sizeof(((t *)0)->m)
#define offsetofend(t, m) (offsetof(t, m) + sizeof_field(t, m))
#define container_of(p, t, m) ((t *)((char *)(p) - offsetof(t, m)))
#define struct_group(name, ...) union {					\
	struct { __VA_ARGS__ };						\
	struct { __VA_ARGS__ } name;					\
}
#define struct_group_tagged(tag, name, ...) union {			\
	struct { __VA_ARGS__ };						\
	struct tag { __VA_ARGS__ } name;				\
}

/* bits and numbers */
#define BIT(n)		(1UL << (n))
#define BIT_ULL(n)	(1ULL << (n))
#define GENMASK_ULL(h, l) ((U64_MAX << (l)) & (U64_MAX >> (63 - (h))))
#define GENMASK(h, l)	((unsigned long)GENMASK_ULL(h, l))

#define min(a, b) ({							\
	__auto_type min_a = (a);					\
	__auto_type min_b = (b);					\
	min_a < min_b ? min_a : min_b; })
#define max(a, b) ({							\
	__auto_type max_a = (a);					\
	__auto_type max_b = (b);					\
	max_a > max_b ? max_a : max_b; })
#define min_t(t, a, b)	min((t)(a), (t)(b))
#define max_t(t, a, b)	max((t)(a), (t)(b))
#define min3(a, b, c)	min(min(a, b), c)
#define max3(a, b, c)	max(max(a, b), c)
#define clamp(v, lo, hi) min(max(v, lo), hi)
#define clamp_t(t, v, lo, hi) min_t(t, max_t(t, v, lo), hi)
#define clamp_val(v, lo, hi) clamp_t(__typeof__(v), v, lo, hi)
#define umin(a, b)	min((u64)(a), (u64)(b))
#define umax(a, b)	max((u64)(a), (u64)(b))
#define swap(a, b) do {							\
	__typeof__(a) swap_tmp = (a);					\
	(a) = (b);							\
	(b) = swap_tmp;							\
} while (0)

#define DIV_ROUND_UP(n, d) (((n) + (d) - 1) / (d))
#define DIV_ROUND_UP_ULL(n, d) DIV_ROUND_UP((u64)(n), d)
#define round_up(x, y)	((((x) - 1) | ((__typeof__(x))(y) - 1)) + 1)
#define round_down(x, y) ((x) & ~((__typeof__(x))(y) - 1))
#define ALIGN(x, a)	round_up(x, a)
#define abs_diff(a, b)	((a) > (b) ? (a) - (b) : (b) - (a))
#define do_div(n, base) ({						\
	u32 do_div_base = (base);					\
	u32 do_div_rem = (n) % do_div_base;				\
	(n) /= do_div_base;						\
	do_div_rem; })

static inline u64 div_u64(u64 a, u32 b) { return a / b; }
static inline u64 div64_u64(u64 a, u64 b) { return a / b; }
static inline u64 div64_u64_rem(u64 a, u64 b, u64 *rem)
{
	*rem = a % b;
	return a / b;
}
static inline s64 div_s64(s64 a, s32 b) { return a / b; }
static inline s64 div64_s64(s64 a, s64 b) { return a / b; }
static inline u64 mul_u32_u32(u32 a, u32 b) { return (u64)a * b; }

static inline u64 mul_u64_u64_div_u64(u64 a, u64 b, u64 c)
{
	return (unsigned __int128)a * b / c;
}

static inline u64 mul_u64_u32_div(u64 a, u32 b, u32 c)
{
	return mul_u64_u64_div_u64(a, b, c);
}

static inline u64 mul_u64_u64_shr(u64 a, u64 b, unsigned int shift)
{
	return (unsigned __int128)a * b >> shift;
}

static inline u64 mul_u64_u32_shr(u64 a, u32 b, unsigned int shift)
{
	return mul_u64_u64_shr(a, b, shift);
}

static inline int fls64(u64 x) { return x ? 64 - __builtin_clzll(x) : 0; }
static inline int fls(u32 x) { return fls64(x); }
static inline unsigned long __ffs(u64 x) { return __builtin_ctzll(x); }
static inline int ilog2(u64 x) { return fls64(x) - 1; }
static inline bool is_power_of_2(u64 x) { return x && !(x & (x - 1)); }
static inline u64 roundup_pow_of_two(u64 x)
{
	return x <= 1 ? 1 : 1ULL << fls64(x - 1);
}
static inline u64 rounddown_pow_of_two(u64 x) { return 1ULL << ilog2(x); }
static inline unsigned int hweight64(u64 x) { return __builtin_popcountll(x); }

static inline u32 int_sqrt64(u64 x)
{
	u64 r = 0, bit = 1ULL << 62;

	for (; bit > x; bit >>= 2)
		;
	for (; bit; bit >>= 2) {
		if (x >= r + bit) {
			x -= r + bit;
			r = (r >> 1) + bit;
		} else {
			r >>= 1;
		}
	}
	return r;
}
static inline unsigned long int_sqrt(unsigned long x) { return int_sqrt64(x); }

#define check_add_overflow(a, b, d) __builtin_add_overflow(a, b, d)
#define check_sub_overflow(a, b, d) __builtin_sub_overflow(a, b, d)
#define check_mul_overflow(a, b, d) __builtin_mul_overflow(a, b, d)

static inline size_t size_mul(size_t a, size_t b)
{
	size_t r;

	return __builtin_mul_overflow(a, b, &r) ? SIZE_MAX : r;
}
#define array_size(a, b) size_mul(a, b)
#define struct_size(p, m, n) (sizeof(*(p)) + size_mul(n, sizeof((p)->m[0])))

/* bytes at any address, any order */
#define KSHIM_UNALIGNED(bits, from, to)					\
static inline u##bits get_unaligned_be##bits(const void *p)		\
{									\
	u##bits v;							\
	memcpy(&v, p, sizeof(v));					\
	return from##_be##bits(v);					\
}									\
static inline void put_unaligned_be##bits(u##bits v, void *p)		\
{									\
	v = from##_be##bits(v);						\
	memcpy(p, &v, sizeof(v));					\
}									\
static inline u##bits get_unaligned_le##bits(const void *p)		\
{									\
	u##bits v;							\
	memcpy(&v, p, sizeof(v));					\
	return from##_le##bits(v);					\
}									\
static inline void put_unaligned_le##bits(u##bits v, void *p)		\
{									\
	v = from##_le##bits(v);						\
	memcpy(p, &v, sizeof(v));					\
}

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define kshim_be16(v)	__builtin_bswap16(v)
#define kshim_be32(v)	__builtin_bswap32(v)
#define kshim_be64(v)	__builtin_bswap64(v)
#define kshim_le16(v)	(v)
#define kshim_le32(v)	(v)
#define kshim_le64(v)	(v)
#else
#define kshim_be16(v)	(v)
#define kshim_be32(v)	(v)
#define kshim_be64(v)	(v)
#define kshim_le16(v)	__builtin_bswap16(v)
#define kshim_le32(v)	__builtin_bswap32(v)
#define kshim_le64(v)	__builtin_bswap64(v)
#endif
KSHIM_UNALIGNED(16, kshim, kshim)
KSHIM_UNALIGNED(32, kshim, kshim)
KSHIM_UNALIGNED(64, kshim, kshim)

static inline u32 get_unaligned_be24(const void *p)
{
	const u8 *b = p;

	return b[0] << 16 | b[1] << 8 | b[2];
}

static inline void put_unaligned_be24(u32 v, void *p)
{
	u8 *b = p;

	b[0] = v >> 16;
	b[1] = v >> 8;
	b[2] = v;
}

#define cpu_to_be16(v)	((__be16)kshim_be16(v))
#define cpu_to_be32(v)	((__be32)kshim_be32(v))
#define cpu_to_be64(v)	((__be64)kshim_be64(v))
#define be16_to_cpu(v)	kshim_be16((u16)(v))
#define be32_to_cpu(v)	kshim_be32((u32)(v))
#define be64_to_cpu(v)	kshim_be64((u64)(v))
#define cpu_to_le64(v)	((__le64)kshim_le64(v))

/* complaints */
#define pr_err(...)	fprintf(stderr, __VA_ARGS__)
#define pr_warn(...)	fprintf(stderr, __VA_ARGS__)
#define pr_info(...)	fprintf(stderr, __VA_ARGS__)
#define pr_debug(...)	do { } while (0)
#define KSHIM_WARN(c) ({						\
	bool kshim_bad = !!(c);						\
	if (kshim_bad) {						\
		fprintf(stderr, "%s:%d: WARN: %s\n", __FILE__,		\
			__LINE__, #c);					\
		abort();						\
	}								\
	kshim_bad; })
#define WARN_ON(c)		KSHIM_WARN(c)
#define WARN_ON_ONCE(c)		KSHIM_WARN(c)
#define WARN_ONCE(c, ...)	KSHIM_WARN(c)
#define BUG_ON(c)		((void)KSHIM_WARN(c))
#define DEBUG_NET_WARN_ON_ONCE(c) ((void)KSHIM_WARN(c))

/* errors in pointers */
#define MAX_ERRNO	4095
#define IS_ERR_VALUE(x)	((unsigned long)(x) >= (unsigned long)-MAX_ERRNO)
static inline void *ERR_PTR(long e) { return (void *)e; }
static inline long PTR_ERR(const void *p) { return (long)p; }
static inline bool IS_ERR(const void *p) { return IS_ERR_VALUE(p); }
static inline bool IS_ERR_OR_NULL(const void *p) { return !p || IS_ERR(p); }

/* memory: >= 0 counts down, and the allocation that finds it at 0 fails */
__attribute__((__weak__)) long kshim_fail_alloc = -1;

typedef unsigned int gfp_t;
#define GFP_KERNEL	0U
#define GFP_ATOMIC	1U
#define GFP_NOWAIT	2U
#define __GFP_ZERO	4U
#define __GFP_NOWARN	8U

static inline bool kshim_alloc_fails(void)
{
	return kshim_fail_alloc >= 0 && kshim_fail_alloc-- == 0;
}

static inline void *kmalloc(size_t n, gfp_t gfp)
{
	if (kshim_alloc_fails())
		return NULL;
	return gfp & __GFP_ZERO ? calloc(1, n) : malloc(n);
}

static inline void *krealloc(const void *p, size_t n, gfp_t gfp)
{
	(void)gfp;
	return kshim_alloc_fails() ? NULL : realloc((void *)p, n);
}

static inline void *kmemdup(const void *p, size_t n, gfp_t gfp)
{
	void *q = kmalloc(n, gfp);

	return q ? memcpy(q, p, n) : NULL;
}

#define kzalloc(n, gfp)		kmalloc(n, (gfp) | __GFP_ZERO)
#define kmalloc_array(n, s, gfp) kmalloc(size_mul(n, s), gfp)
#define kcalloc(n, s, gfp)	kzalloc(size_mul(n, s), gfp)
#define krealloc_array(p, n, s, gfp) krealloc(p, size_mul(n, s), gfp)
#define kvmalloc(n, gfp)	kmalloc(n, gfp)
#define kvzalloc(n, gfp)	kzalloc(n, gfp)
#define kvmalloc_array(n, s, gfp) kmalloc_array(n, s, gfp)
#define kvcalloc(n, s, gfp)	kcalloc(n, s, gfp)
#define kfree(p)		free((void *)(p))
#define kvfree(p)		free((void *)(p))
#define kfree_rcu(p, rcu)	kfree(p)
#define kfree_sensitive(p)	free((void *)(p))
#define memzero_explicit(p, n)	memset(p, 0, n)

/* strings */
static inline ssize_t kshim_strscpy(char *to, const char *from, size_t n)
{
	size_t len = strnlen(from, n);

	if (!n)
		return -E2BIG;
	if (len == n) {
		memcpy(to, from, n - 1);
		to[n - 1] = 0;
		return -E2BIG;
	}
	memcpy(to, from, len + 1);
	return len;
}
#define strscpy(to, from, ...)						\
	kshim_strscpy(to, from, kshim_size(sizeof(to), ##__VA_ARGS__))
#define kshim_size(dflt, ...)	kshim_last(dflt, ##__VA_ARGS__, dflt)
#define kshim_last(a, b, ...)	(b)

/* time */
#define NSEC_PER_USEC	1000L
#define NSEC_PER_MSEC	1000000L
#define NSEC_PER_SEC	1000000000L
#define USEC_PER_MSEC	1000L
#define USEC_PER_SEC	1000000L
#define MSEC_PER_SEC	1000L

/* lists */
struct list_head {
	struct list_head *next, *prev;
};

#define LIST_HEAD_INIT(name) { &(name), &(name) }
#define LIST_HEAD(name) struct list_head name = LIST_HEAD_INIT(name)

static inline void INIT_LIST_HEAD(struct list_head *l)
{
	l->next = l;
	l->prev = l;
}

static inline void kshim_list_insert(struct list_head *e,
				     struct list_head *prev,
				     struct list_head *next)
{
	e->prev = prev;
	e->next = next;
	prev->next = e;
	next->prev = e;
}

static inline void list_add(struct list_head *e, struct list_head *head)
{
	kshim_list_insert(e, head, head->next);
}

static inline void list_add_tail(struct list_head *e, struct list_head *head)
{
	kshim_list_insert(e, head->prev, head);
}

static inline void list_del(struct list_head *e)
{
	e->prev->next = e->next;
	e->next->prev = e->prev;
	e->next = NULL;
	e->prev = NULL;
}

static inline void list_del_init(struct list_head *e)
{
	list_del(e);
	INIT_LIST_HEAD(e);
}

static inline bool list_empty(const struct list_head *head)
{
	return head->next == head;
}

#define list_add_rcu(e, h)	list_add(e, h)
#define list_add_tail_rcu(e, h)	list_add_tail(e, h)
#define list_del_rcu(e)		list_del(e)

static inline void list_replace_rcu(struct list_head *old,
				    struct list_head *e)
{
	e->next = old->next;
	e->prev = old->prev;
	e->next->prev = e;
	e->prev->next = e;
}

#define list_entry(p, t, m)	container_of(p, t, m)
#define list_first_entry(h, t, m) list_entry((h)->next, t, m)
#define list_last_entry(h, t, m) list_entry((h)->prev, t, m)
#define list_first_entry_or_null(h, t, m)				\
	(list_empty(h) ? NULL : list_first_entry(h, t, m))
#define list_next_entry(p, m) list_entry((p)->m.next, __typeof__(*(p)), m)
#define list_for_each_entry(p, h, m)					\
	for (p = list_first_entry(h, __typeof__(*p), m);		\
	     &p->m != (h); p = list_next_entry(p, m))
#define list_for_each_entry_rcu(p, h, m, ...) list_for_each_entry(p, h, m)
#define list_for_each_entry_safe(p, n, h, m)				\
	for (p = list_first_entry(h, __typeof__(*p), m),		\
	     n = list_next_entry(p, m);					\
	     &p->m != (h); p = n, n = list_next_entry(n, m))

/* modules and locks: there is one thread and nothing to unload */
struct module {
	int refs;
};

#define THIS_MODULE	((struct module *)NULL)
#define EXPORT_SYMBOL_GPL(x)
#define MODULE_LICENSE(x)
#define MODULE_DESCRIPTION(x)
static inline bool try_module_get(struct module *m)
{
	if (m)
		m->refs++;
	return true;
}
static inline void module_put(struct module *m)
{
	if (m)
		m->refs--;
}

struct mutex {
	int held;
};
#define DEFINE_MUTEX(name)	struct mutex name
#define mutex_lock(m)		((void)KSHIM_WARN((m)->held++))
#define mutex_unlock(m)		((void)KSHIM_WARN(!(m)->held--))
typedef struct mutex spinlock_t;
#define DEFINE_SPINLOCK(name)	spinlock_t name
#define spin_lock_init(l)	((void)((l)->held = 0))
#define spin_lock(l)		mutex_lock(l)
#define spin_unlock(l)		mutex_unlock(l)
#define spin_lock_bh(l)		mutex_lock(l)
#define spin_unlock_bh(l)	mutex_unlock(l)
#define lockdep_is_held(l)	((l)->held)
#define lockdep_assert_held(l)	((void)KSHIM_WARN(!(l)->held))
/* What counts, counts; nobody else is there to see half of it. */
typedef struct {
	int n;
} atomic_t, refcount_t;
typedef struct {
	s64 n;
} atomic64_t;
#define atomic_inc(a)		((void)(a)->n++)
#define atomic_dec(a)		((void)(a)->n--)
#define atomic_read(a)		((a)->n)
#define atomic_add_return(i, a)	((a)->n += (i))
#define atomic_dec_if_positive(a) ((void)((a)->n > 0 && (a)->n--))
#define atomic64_inc(a)		((void)(a)->n++)
#define atomic64_read(a)	((a)->n)
#define refcount_set(r, v)	((void)((r)->n = (v)))
#define refcount_inc(r)		((void)KSHIM_WARN(!(r)->n++))
#define refcount_inc_not_zero(r) ((r)->n ? ++(r)->n : 0)
#define refcount_dec_and_test(r) (KSHIM_WARN(!(r)->n), !--(r)->n)
#define smp_load_acquire(p)	READ_ONCE(*(p))
#define smp_store_release(p, v)	WRITE_ONCE(*(p), v)
struct rcu_head {
	int unused;
};

#define rcu_read_lock()		do { } while (0)
#define rcu_read_unlock()	do { } while (0)
#define synchronize_rcu()	do { } while (0)
#define rcu_dereference(p)	(p)
#define unrcu_pointer(p)	(p)
#define RCU_INITIALIZER(v)	(v)
#define xchg(p, v)		__atomic_exchange_n(p, v, __ATOMIC_SEQ_CST)
#define __SPIN_LOCK_UNLOCKED(name)	{}
#define rcu_assign_pointer(p, v) ((p) = (v))

#endif
