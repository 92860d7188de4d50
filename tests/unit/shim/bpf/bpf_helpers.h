/* SPDX-License-Identifier: GPL-2.0 */
#define SEC(name)
#define __ksym
